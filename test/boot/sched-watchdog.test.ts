// SCHEDOP_watchdog expires: the domain ends, with reason 4.
// Why: it is there for the guest that can no longer end itself. Fails if it fires without being armed, too early, with
// another reason, or only while the guest runs.

import { beforeAll, describe, expect, test } from "vitest";

import { WATCHDOG_LINE_NAMES_TIMER } from "../guest/_sched-versions.js";
import { extent } from "../fixtures/extent.js";
import { longTest } from "./long-test.js";
import { boot, build, printed, xen } from "./setup.js";

let image: string;
beforeAll(async () => {
  image = await build("test/boot/guest/sched-end.ts");
});

const WATCHDOG = 4;
const SOFT_RESET = 5;

interface Seen {
  /** What the domain ended with, as Xen reports it. */
  reason: number | null;
  said: string[];
  /** Xen's line about the timer. */
  fired: string[];
}

async function ending(end: string): Promise<Seen> {
  const lines: string[] = [];
  const result = await boot(image, {
    on: "dom0",
    cmdline: `end=${end}`,
    timeoutMs: 8000,
    onXenLine: (line) => lines.push(line.replace(/^\(XEN\) /, "")),
  });
  expect(result.stage).not.toBe("xen");
  return {
    reason: result.ended?.reason ?? null,
    said: printed(result),
    fired: lines.filter((line) => line.startsWith("Watchdog timer")),
  };
}

function line(): string {
  const [major = 0, minor = 0] = xen.release.split(".").map(Number);
  return WATCHDOG_LINE_NAMES_TIMER.holds(major, minor)
    ? "Watchdog timer 1 fired for d0"
    : "Watchdog timer fired for domain 0";
}

describe("watchdog", () => {
  test("not poked for its time, it ends the domain with reason 4", async () => {
    expect(await ending("watchdog")).toEqual({
      reason: WATCHDOG,
      said: ["allocate 1"],
      fired: [line()],
    });
  });

  test("id 0 with timeout 0 fires at once", async () => {
    const { reason, said } = await ending("watchdog-at-once");
    expect(reason).toBe(WATCHDOG);
    // It may fire before the guest has said what it got.
    expect([[], ["allocate 1"]]).toContainEqual(said);
  });

  longTest("poked with a shorter time, that one counts", async () => {
    expect(await ending("watchdog-shortened")).toMatchObject({
      reason: WATCHDOG,
      said: ["allocate 1", "poke 0"],
    });
  });

  longTest("each of the two counts for itself", async () => {
    expect((await ending("watchdog-second")).reason).toBe(WATCHDOG);
  });

  longTest("it fires for a domain that sleeps for ever", async () => {
    expect((await ending("watchdog-asleep")).reason).toBe(WATCHDOG);
  });

  test("a code that was latched is reported in place of 4", async () => {
    expect(await ending("watchdog-latched")).toMatchObject({
      reason: SOFT_RESET,
      fired: [line()],
    });
  });

  // Each of the ways above with its one decisive step left out.
  const CONTROLS = [
    ["watchdog", 0, ["allocate 1", "still there"]],
    ["watchdog-at-once", 0, ["allocate 1", "still there"]],
    ["watchdog-shortened", 0, ["allocate 1", "still there"]],
    ["watchdog-second", 0, ["still there"]],
    ["watchdog-asleep", null, ["allocate 1"]],
    ["watchdog-latched", WATCHDOG, ["allocate 1"]],
  ] as const;
  const controlled = extent(["watchdog", "watchdog-at-once", "watchdog-latched"], null);
  test.each(CONTROLS.filter(([end]) => controlled?.includes(end) ?? true))(
    "control: %s",
    async (end, reason, said) => {
      expect(await ending(`${end} mutant`)).toMatchObject({ reason, said });
    },
  );
});
