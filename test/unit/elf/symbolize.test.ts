/**
 * Addresses to functions and lines. What it shows: on a program compiled and
 * linked by the machine's own tools, an address gets its function, its line and
 * the functions inlined around it; with less to go by (no debug information, no
 * addr2line, no symbols) it gets less, but never an error and never a wrong name.
 * Why it matters: this is how a trap is read. How it would fail: a return address
 * behind a call that does not return, named after the next function.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { readElf, readSymbols } from "../../../src/host/elf/index.js";
import { parseAddr2line, symbolize, symbolizeBacktrace } from "../../../src/host/elf/symbolize.js";

// `stop` is the last instruction of `run`, so its return address is `next`'s first byte.
const PROGRAM = `
#define NOINLINE __attribute__((noinline, used))
NOINLINE void _start(void) { for (;;); }
#line 3 "traps.c"
NOINLINE __attribute__((noreturn)) void stop(void) { for (;;) __asm__ volatile("hlt"); }
#line 17 "src/main.ts"
static inline __attribute__((always_inline)) int wasm_fn_main0x2Fadd(volatile int *p) { return *p + 1; }
#line 20 "src/main.ts"
NOINLINE int wasm_fn_main0x2FTask0x23run(volatile int *p) {
  int sum = *p;
  sum += wasm_fn_main0x2Fadd(p);
  if (sum == 7) stop();
  return sum;
}
#line 30 "src/main.ts"
NOINLINE int wasm_fn_main0x2FTask0x23id(void) { return 5; }
#line 900 "guest.c"
static inline __attribute__((always_inline)) int i32_load(volatile int *p) { return *p; }
NOINLINE int wasm_fn_main0x2Fload(volatile int *p) { return i32_load(p); }
NOINLINE int wasm_fn_0x7Estart(void) { return 6; }
NOINLINE void wasm_fn_main0x2Flast(void) { stop(); }
NOINLINE void wasm_fn_main0x2Fnext(void) { __asm__ volatile("nop"); }
`;

let folder: string;
let debug: string;
let plain: string;
let stripped: string;
const address = new Map<string, { start: bigint; size: number }>();

async function compile(output: string, flags: string[]): Promise<string> {
  const image = path.join(folder, output);
  const source = path.join(folder, "program.c");
  const layout = ["-nostdlib", "-static", "-no-pie", "-ffreestanding", "-fno-toplevel-reorder"];
  await execa("gcc", ["-O1", ...layout, ...flags, source, "-o", image]);
  return image;
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "xenlet-symbols-"));
  await writeFile(path.join(folder, "program.c"), PROGRAM);
  debug = await compile("debug.elf", ["-g"]);
  plain = await compile("plain.elf", ["-g0"]);
  stripped = await compile("stripped.elf", ["-g0", "-s"]);
  for (const { name, address: start, size } of readSymbols(await readElf(debug)))
    address.set(name, { start, size });
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => {
  vi.unstubAllEnvs();
});

const at = (symbol: string) => address.get(symbol) ?? { start: 0n, size: 0 };
const texts = async (image: string, addresses: bigint[]) =>
  (await symbolize(image, addresses)).map((group) => group.map(({ text }) => text));

describe("with debug information", () => {
  test("function, file and line; a C function by its own name", async () => {
    const id = at("wasm_fn_main0x2FTask0x23id").start;
    expect(await texts(debug, [id, at("stop").start])).toEqual([
      ["Task#id (main.ts:30)"],
      ["stop (traps.c:3)"],
    ]);
  });

  test("inlined functions, innermost first", async () => {
    const { start, size } = at("wasm_fn_main0x2FTask0x23run");
    const all = Array.from({ length: size }, (_, offset) => start + BigInt(offset));
    const inlined = (await symbolize(debug, all)).find((group) => group.length === 2);
    expect(inlined?.map(({ text, inlined: into }) => [text, into])).toEqual([
      ["add (main.ts:17)", true],
      ["Task#run (main.ts:22)", false],
    ]);
  });

  test("lines of generated C are not shown as if they were the guest's", async () => {
    const [[frame] = []] = await symbolize(debug, [at("wasm_fn_main0x2Flast").start]);
    expect(frame).toMatchObject({ function: "last", file: "main.ts", line: null });
    expect(frame?.text).toBe("last (main.ts)");
  });

  test("the lowering's own inlined helpers are not shown, nor the generated file", async () => {
    const { start, size } = at("wasm_fn_main0x2Fload");
    const all = Array.from({ length: size }, (_, offset) => start + BigInt(offset));
    expect(new Set((await texts(debug, all)).flat())).toEqual(new Set(["load (main.ts)"]));
    expect(await texts(debug, [at("wasm_fn_0x7Estart").start])).toEqual([["~start"]]);
  });

  test("a return address belongs to the function that called", async () => {
    const returnAddress =
      at("wasm_fn_main0x2Flast").start + BigInt(at("wasm_fn_main0x2Flast").size);
    // As a plain address it is the next function: that is the trap to avoid.
    expect(await texts(debug, [returnAddress])).toEqual([["next (main.ts)"]]);
    const frames = await symbolizeBacktrace(debug, at("stop").start, [returnAddress]);
    expect(frames.map(({ text }) => text)).toEqual(["stop (traps.c:3)", "last (main.ts)"]);
    expect(frames.map((frame) => frame.address)).toEqual([at("stop").start, returnAddress]);
  });
});

describe("with less to go by", () => {
  test("no debug information: functions without lines", async () => {
    expect(await texts(plain, [at("wasm_fn_main0x2FTask0x23run").start + 1n])).toEqual([
      ["Task#run (main.ts)"],
    ]);
  });

  test("no addr2line on this machine: the symbol table alone", async () => {
    vi.stubEnv("PATH", folder);
    const run = at("wasm_fn_main0x2FTask0x23run");
    expect(await texts(debug, [run.start + 1n, at("stop").start, 0x10n])).toEqual([
      ["Task#run (main.ts)"],
      ["stop"],
      ["0x10"],
    ]);
  });

  test("a stripped image: bare addresses", async () => {
    const run = at("wasm_fn_main0x2FTask0x23run").start;
    expect(await texts(stripped, [run])).toEqual([[`0x${run.toString(16)}`]]);
  });

  test.each([0n, 0x10n, 0xffffffffffffffffn])(
    "an address outside the image: %s",
    async (outside) => {
      expect(await texts(debug, [outside])).toEqual([[`0x${outside.toString(16)}`]]);
    },
  );

  test("an unknown frame in a backtrace shows the address that was reported", async () => {
    const frames = await symbolizeBacktrace(debug, 0x10n, [0x20n, 0n]);
    expect(frames.map(({ text }) => text)).toEqual(["0x10", "0x20", "0x0"]);
  });

  test("no addresses, no frames", async () => {
    expect(await symbolize(debug, [])).toEqual([]);
  });

  test("a damaged image is an error, with its name", async () => {
    const image = path.join(folder, "program.c");
    await expect(symbolize(image, [0n])).rejects.toThrow(/program\.c: not an ELF file/);
  });
});

test("addr2line's output, unknowns and discriminators included", () => {
  const output =
    "0x10\nf\n/a/b.ts:3 (discriminator 2)\ng\nb:c.ts:?\n0x20\n??\n??:0\n0x30\n??\n??:?";
  expect(parseAddr2line(output)).toEqual([
    [
      { symbol: "f", file: "/a/b.ts", line: 3 },
      { symbol: "g", file: "b:c.ts", line: null },
    ],
    [{ symbol: null, file: null, line: null }],
    [{ symbol: null, file: null, line: null }],
  ]);
});
