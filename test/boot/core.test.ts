// `xenlet run --core FILE` and a real gdb: a guest that crashed is opened after its end, with backtrace, registers, memory.
// Why: a crash that cannot be reproduced leaves nothing else. The core is put together from the outside, out of VMCBs, two
// levels of page tables and a symbol of boot code, and each of these could be misread. Fails if gdb does not open it without a
// complaint, if its backtrace is not the guest's own, or if the core holds the memory's zeros.

import { readFile, rm, stat } from "node:fs/promises";
import { beforeAll, expect, test } from "vitest";

import { gdb } from "./real-gdb.js";
import { boot, build, scratch } from "./setup.js";

const SOURCE = "test/boot/guest/backtrace.ts";
const MiB = 2 ** 20;
let image: string;
let debug: Awaited<ReturnType<typeof gdb>>;
let line: (name: string) => string;

beforeAll(async () => {
  debug = await gdb();
  image = await build(SOURCE);
  const lines = (await readFile(SOURCE, "utf8")).split("\n");
  line = (name) =>
    `backtrace.ts:${String(1 + lines.findIndex((text) => text.endsWith(`// line: ${name}`)))}`;
}, 180_000);

/** What gdb says to these commands. */
const open = (core: string, ...commands: string[]): Promise<string> =>
  debug([image, core, ...commands.flatMap((command) => ["-ex", command])]);

const frames = (output: string): string[] =>
  [...output.matchAll(/^#\d+ .* at guest\/(\S+)$/gm)].map(([, place = ""]) => place);

test.each(["domu", "dom0"] as const)("a trap on %s", { timeout: 120_000 }, async (on) => {
  const core = scratch(`core-${on}`);
  const result = await boot(image, { on, core, cmdline: "way=divide" });
  expect(result).toMatchObject({ verdict: "crash", core, coreTrouble: null });
  const way = [line("divide"), line("recursion"), line("recursion"), line("book"), line("main")];
  const output = await open(core, "bt", "p/x $rip", "x/gx &crash_state");
  expect(output).toContain("Program terminated with signal SIGILL");
  expect(frames(output).slice(0, way.length)).toEqual(way);
  expect(output).toMatch(/#\d+ +0x\w+ in boot_main \(\) .*\n#\d+ +0x\w+ in start64 .*\n(?!#)/);
  const [innermost] = result.trap?.frames ?? [];
  expect(output).toContain(`$1 = ${innermost?.address ?? ""}\n`);
  expect(output).toContain(`<crash_state>:\t${innermost?.address ?? ""}\n`); // the guest wrote it

  // All of the memory, of which a file has only what is not zero.
  const { size, blocks } = await stat(core);
  expect(size).toBeGreaterThan(128 * MiB - 1);
  expect(size).toBeLessThan(130 * MiB);
  expect(blocks * 512).toBeLessThan(32 * MiB);
});

test(
  "an abort, with its callers, and linear memory where a pointer has it",
  { timeout: 60_000 },
  async () => {
    const core = scratch("core-abort");
    await boot(image, { core, cmdline: "way=abort" });
    const text = Buffer.from("no such way").join(", ");
    const output = await open(
      core,
      "bt",
      `find /h1 0x1000, +0x8000, ${text}`,
      "x/hs $_",
      // The same physical memory twice: as the image has it, and by its physical address.
      "p *(long *)0xffffffff80100000 == *(long *)0xffff800000100000",
    );
    expect(output).toContain("Program terminated with signal SIGABRT");
    expect(frames(output).find((place) => place.startsWith("backtrace"))).toBe(line("abort"));
    expect(output).toMatch(/^0x[1-9a-f]\w*:\tu"no such way"$/m);
    expect(output).toContain("$1 = 1");
  },
);

test("the variables of a build with --debug", { timeout: 120_000 }, async () => {
  const debugged = await build("test/boot/guest/debugged.ts", { debug: true });
  const core = scratch("core-debug");
  await boot(debugged, { core });
  const output = await debug([
    debugged,
    core,
    ...["up", "print position", "print last"].flatMap((one) => ["-ex", one]),
  ]);
  expect(output).toMatch(/^\$1 = 7\n\$2 = 2$/m);
});

test("a guest that hangs, with the registers that Xen saved", { timeout: 60_000 }, async () => {
  const core = scratch("core-hang");
  const result = await boot(image, { core, cmdline: "way=hang", timeoutMs: 1000 });
  expect(result).toMatchObject({ verdict: "timeout", core });
  expect(frames(await open(core, "bt"))[0]).toBe(line("hang"));
});

test("a guest that ends well leaves none", { timeout: 60_000 }, async () => {
  const core = scratch("core-none");
  const result = await boot(await build("examples/hello.ts"), { core });
  expect(result).toMatchObject({ verdict: "exit", core: null, coreTrouble: null });
  await expect(rm(core)).rejects.toThrow("ENOENT");
});
