// SCHEDOP_shutdown, SCHEDOP_shutdown_code and SCHEDOP_remote_shutdown, seen from outside: the reason that Xen
// reports, on its console for its hardware domain, and to the toolstack for any other.
// Why: a toolstack acts on that number alone; a reason that is mistaken for another restarts a guest that should
// be dumped. Fails if Xen reports another reason than was given, or not the one that was latched first.

import { beforeAll, describe, expect, test } from "vitest";

import { extent } from "../fixtures/extent.js";
import { boot, build, printed } from "./setup.js";

let image: string;
beforeAll(async () => {
  image = await build("test/boot/guest/sched-end.ts");
});

/** Boots the guest that ends in that way: what Xen reported of it, and what the guest said before. */
async function ending(
  cmdline: string,
  on: "domu" | "dom0" = "domu",
): Promise<{ reason: number | null; said: string[] }> {
  const result = await boot(image, { on, cmdline });
  expect(result.stage).toBe("runtime");
  return { reason: result.ended?.reason ?? null, said: printed(result) };
}

describe("shutdown, the reason that Xen reports", () => {
  // What Xen's console calls each: src/host/boot/xen-messages.ts. Of a hardware domain it does not know 2, suspend.
  // A domain's reasons: domu.test.ts.
  const REASONS = [
    ["0, poweroff", 0, "poweroff", 0],
    ["1, reboot", 1, "reboot", 1],
    ["2, suspend", 2, "unknown", 2],
    ["3, crash", 3, "crash", 3],
    ["4, watchdog", 4, "watchdog", 4],
    ["5, soft reset", 5, "soft-reset", 5],
    ["6, which is none", 6, "unknown", 6],
    ["255", 255, "unknown", 255],
    ["256, of which a byte is 0", 256, "poweroff", 0],
    ["0x105, of which a byte is 5", 0x105, "soft-reset", 5],
  ] as const;
  const shown = extent([1, 2, 5, 0x105], null);
  test.each(REASONS.filter(([, given]) => shown?.includes(given) ?? true))(
    "%s",
    async (_name, given, how, reason) => {
      const result = await boot(image, { on: "dom0", cmdline: `end=shutdown reason=${given}` });
      expect(result.stage).toBe("runtime");
      expect(result.ended).toEqual({ how, reason });
      expect(printed(result)).toEqual([]);
    },
  );

  test("control: a guest that gives another reason is found out", async () => {
    expect((await ending("end=shutdown reason=4 mutant", "dom0")).reason).toBe(5);
  });
});

describe("shutdown_code", () => {
  test("the code that was latched is reported, not the later shutdown's", async () => {
    expect(await ending("end=latch codes=3 reason=0")).toEqual({ reason: 3, said: ["latch 3 0"] });
  });

  test("the first of two stays, and the second is answered 0 as well", async () => {
    expect(await ending("end=latch codes=4+1 reason=3")).toEqual({
      reason: 4,
      said: ["latch 4 0", "latch 1 0"],
    });
  });

  test("it stays over a soft reset", async () => {
    expect((await ending("end=latch codes=1 reason=5")).reason).toBe(1);
  });

  test("a soft reset can be latched", async () => {
    expect((await ending("end=latch codes=5 reason=0", "dom0")).reason).toBe(5);
  });

  test("poweroff, 0, is a code like any other", async () => {
    expect((await ending("end=latch codes=0+3 reason=4")).reason).toBe(0);
  });

  test("of 257 a byte is latched, 1", async () => {
    expect((await ending("end=latch codes=257 reason=3")).reason).toBe(1);
  });

  test("control: latched in the other order, the other code is reported", async () => {
    expect((await ending("end=latch codes=4+1 reason=3 mutant")).reason).toBe(1);
  });
});

describe("remote_shutdown", () => {
  test("dom0 can end itself by its number", async () => {
    expect(await ending("end=remote reason=4", "dom0")).toEqual({ reason: 4, said: [] });
  });

  test("of the reason a byte is used", async () => {
    expect((await ending("end=remote reason=259", "dom0")).reason).toBe(3);
  });

  test("a latched code stays over it", async () => {
    expect((await ending("end=remote-latch", "dom0")).reason).toBe(5);
  });

  test("control: another reason, or none latched, is found out", async () => {
    expect((await ending("end=remote reason=4 mutant", "dom0")).reason).toBe(5);
    expect((await ending("end=remote-latch mutant", "dom0")).reason).toBe(3);
  });
});
