// The story that `make demo` tells (examples/kexec.ts, src/host/cli/commands/demo/story.ts), on a real Xen: as it should go, as the
// README has it, and as it goes without the soft reset. Why: it is the first thing that people see, and each of its lines
// has to be a thing of that run. Fails if the story goes otherwise, if the README's recording is of another one, or if a
// run that went wrong is called good.

import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

import { lanesPicture } from "../../src/host/cli/commands/demo/lanes-svg.js";
import { toldStory, withoutMeasures } from "../../src/host/cli/commands/demo/steps.js";
import { KexecStory, showLine } from "../../src/host/cli/commands/demo/story.js";
import type { BootOptions, BootResult } from "../../src/host/boot/boot.js";
import { boot, build } from "./setup.js";

const image = await build("examples/kexec.ts");

async function tell(
  reset: boolean,
  options: Partial<BootOptions> = {},
): Promise<{ story: KexecStory; lines: string[]; result: BootResult }> {
  const story = new KexecStory(reset);
  const result = await boot(image, {
    on: "domu",
    modules: [image],
    tellState: true,
    cmdline: reset ? "" : "reset=no",
    onRecord: (record) => {
      story.guest(record);
    },
    onToolstackRecord: (record) => {
      story.toolstack(record);
    },
    ...options,
  });
  return { story, lines: story.lines.map(showLine), result };
}

/** Numbers are each run's own. */
const shape = (line: string): string => line.replaceAll(/0x[0-9a-f]+|\d+(\.\d+)?/g, "#").trim();

/** As README.md and docs/kexec.md show it; `vitest -u` rewrites it. */
async function isPictured(
  { story, result }: { story: KexecStory; result: BootResult },
  title: string,
  file: string,
): Promise<void> {
  const picture = lanesPicture(withoutMeasures(toldStory(story, result)), title);
  await expect(picture).toMatchFileSnapshot(`../../docs/pictures/${file}`);
}

test("with the soft reset it goes well, and as the README tells it", async () => {
  const told = await tell(true);
  const { story, lines, result } = told;
  expect(story.verdict(result)).toMatchObject({ good: true });
  const readme = await readFile("README.md", "utf8");
  const recording = /\n {3,}1\. toolstack \(dom0\).*?(?=\n[^ ])/s.exec(readme)?.[0] ?? "";
  const recorded = recording.trim().split("\n").map(shape);
  // The last lines are the command's own: the stack by name, and the verdict.
  expect(recorded.slice(0, -2)).toEqual(lines.map(shape));
  expect(recorded.length).toBeLessThan(60);
  expect(recorded.at(-1)).toMatch(/^PASS: /);
  await isPictured(told, "Soft reset, then kexec", "soft-reset.svg");
});

test("without it the second kernel fails, with Xen's errno, and the story is not good", async () => {
  const told = await tell(false);
  const { story, lines, result } = told;
  expect(story.verdict(result)).toEqual({
    good: false,
    expected: true,
    text: "as expected without a reset: the second kernel found the first one's state",
  });
  expect(lines.map((line) => line.trim()).slice(-8)).toEqual([
    expect.stringMatching(/jump: the next kernel is entered at its PVH entry point$/),
    expect.stringMatching(/second kernel: claims the same resources$/),
    "its clock stands still: Xen writes the time to the first kernel's vcpu_info",
    expect.stringMatching(/^XENMEM_add_to_physmap\(XENMAPSPACE_shared_info\) = frame 0x[0-9a-f]+$/),
    "VCPUOP_register_vcpu_info = -EINVAL (already registered)",
    "EVTCHNOP_bind_virq(VIRQ_TIMER) = -EEXIST (already registered)",
    expect.stringMatching(/FAILS: /),
    expect.stringMatching(/SHUTDOWN_poweroff$/),
  ]);
  expect(story.resets).toEqual([]);
  await isPictured(told, "The same kexec without a soft reset", "no-reset.svg");
});

test("the control: a toolstack that forgot the reset, and the story is not good", async () => {
  const { story, result } = await tell(true, { onSoftReset: "resume" });
  expect(story.verdict(result).good).toBe(false);
});
