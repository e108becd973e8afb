// --cpu x86-64-v2: the lowered code uses SSE4.1 and POPCNT, on a CPU that has them; on another the guest says at once, by
// name, what is missing.
// Why: without the question a guest ends somewhere by an invalid opcode, and the reason is hard to find. Fails if the option changes
// nothing, if QEMU's CPU is not of that level, or if a guest runs on one that is too old.

import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";

import { boot, build, expectSuccess, printed, scratch } from "./setup.js";

const SOURCE = `
  const value = parseFloat("2.5") + <f64>process.argv.length;
  console.log(Math.floor(value).toString() + " " + popcnt<u64>(<u64>value * 0x0101010101010101).toString());
`;

let file: string;
beforeAll(async () => {
  file = scratch("cpu.ts");
  await writeFile(file, SOURCE);
});

/** What of SSE4.1 and POPCNT is in an image. */
async function newer(image: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)("objdump", ["-d", image], { maxBuffer: 2 ** 28 });
  return ["roundsd", "popcnt"].filter((name) => stdout.includes(`\t${name}`));
}

test("x86-64-v2 where the CPU is of that level, and where it is not", async () => {
  const image = await build(file, { cpu: "x86-64-v2" });
  expect(await newer(image)).toEqual(["roundsd", "popcnt"]);
  const result = await boot(image, { on: "dom0", cpu: "x86-64-v2" });
  expectSuccess(result);
  expect(printed(result)).toEqual(["3.0 16"]);
  const old = await boot(image, { on: "dom0" });
  expect(old).toMatchObject({ verdict: "crash", exitCode: 120 });
  expect(old.message).toContain(
    "the CPU has no SSSE3, and the image was built for x86-64-v2 (--cpu)",
  );
});

test("what misses one feature only is refused by its name", async () => {
  const image = await build(file, { cpu: "x86-64-v2" });
  const cpu = "qemu64,+svm,+npt,+ssse3,+sse4.1,+sse4.2,-popcnt,+lahf_lm";
  const result = await boot(image, { on: "dom0", qemuArgs: ["-cpu", cpu] });
  expect(result.message).toContain("the CPU has no POPCNT");
});

test("the control: built for every x86-64, it has neither, and runs on either", async () => {
  const image = await build(file);
  expect(await newer(image)).toEqual([]);
  for (const cpu of ["x86-64", "x86-64-v2"] as const)
    expect(printed(await boot(image, { on: "dom0", cpu }))).toEqual(["3.0 16"]);
});
