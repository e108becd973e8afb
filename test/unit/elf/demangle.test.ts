/**
 * From symbols back to names. What it shows: every function of a real module,
 * compiled by asc and lowered, is recognised in the C that comes
 * out, and is shown as its author wrote it. Why it matters: a trap names the
 * function it happened in. How it would fail: a name with an underscore or "0x"
 * in the wrong place, or one that is not ASCII.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeModule } from "../../../src/host/build/lower/decode/sections.js";
import { loweredText } from "../../fuzz/batch.js";
import { readableSymbol, sourceName, wasmName } from "../../../src/host/elf/demangle.js";

const GUEST = `
class Task {
  constructor(public id: i32) {}
  run(by: i32): i32 { return this.id + by; }
  get _private(): i32 { return this.id; }
  static make_one__(): Task { return new Task(1); }
}
namespace inner { export function deep(text: string): i32 { return text.concat("!").length; } }
function generic<T>(value: T): i32 { return sizeof<T>(); }
function x0x12AF_0xzz(): i32 { return 3; }
export function run(): i32 {
  const list = [Task.make_one__()];
  list.sort((a, b) => a.run(1) - b._private);
  return inner.deep("x") + generic<Task>(list[0]) + generic<f64>(1.5) + x0x12AF_0xzz();
}
run();
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "xenlet-demangle-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("a real module", () => {
  let wasmNames: Set<string>;
  let symbols: Set<string>;

  beforeAll(async () => {
    await writeFile(path.join(folder, "main.ts"), GUEST);
    const inFolder = { cwd: folder, preferLocal: true, localDir: import.meta.dirname };
    const files = ["-o", "main.wasm", "-t", "main.wat"];
    await execa("asc", ["main.ts", "--debug", ...files], inFolder);
    const wat = await readFile(path.join(folder, "main.wat"), "utf8");
    wasmNames = new Set(
      [...wat.matchAll(/^ \(func \$(?:"(.+?)"|(\S+?))[\s)]/gm)].map((m) => m[1] ?? m[2] ?? ""),
    );
    const c = loweredText(decodeModule(await readFile(path.join(folder, "main.wasm"))), "wasm_");
    symbols = new Set(c.match(/\bwasm_fn_\w+/g) ?? []);
  }, 60_000);

  test("each function's Wasm name is found among the symbols", () => {
    expect(wasmNames.size).toBeGreaterThan(40);
    const decoded = new Set([...symbols].map((symbol) => wasmName(symbol)));
    expect([...wasmNames].filter((name) => !decoded.has(name))).toEqual([]);
  });

  test("each is shown as its author wrote it", () => {
    const shown = new Set(
      [...symbols].map(readableSymbol).map(({ function: name, file }) => `${name} (${file ?? ""})`),
    );
    for (const expected of [
      "Task#run (main.ts)",
      "Task#get:_private (main.ts)",
      "Task.make_one__ (main.ts)",
      "Task#constructor (main.ts)",
      "inner.deep (main.ts)",
      "generic<Task> (main.ts)",
      "generic<f64> (main.ts)",
      "x0x12AF_0xzz (main.ts)",
      "run~anonymous|0 (main.ts)",
      "top level (main.ts)",
      "String#concat (~lib/string.ts)",
      "Array<Task>#sort (~lib/array.ts)",
    ])
      expect(shown).toContain(expected);
  });
});

describe("names by hand", () => {
  test.each([
    ["wasm_fn_0x7Elib0x2Fstring0x2FString0x23concat", "~lib/string/String#concat"],
    ["wasm_fn_main0x2Ffoo.constprop.0", "main/foo"],
    ["wasm_fn_main0x2Ffoo.isra.0.cold", "main/foo"],
    ["wasm_fn_main0x2Ff__g0xN12", "main/f__g"],
    ["wasm_fn_f0xT", "f"],
    ["wasm_fn_0xC30xA4", "ä"],
    ["wasm_fn_0x30x12", "0x12"],
    ["boot_main", null],
    ["wasm_start", null],
    ["memcpy", null],
  ])("%s is %s", (symbol, name) => {
    expect(wasmName(symbol)).toBe(name);
  });

  test.each([
    ["assembly/index/foo", "foo", "assembly/index.ts"],
    ["start:main", "top level", "main.ts"],
    ["~start", "~start", null],
    ["run", "run", null],
    ["main/Map<~lib/string/String,main/a/Task>#get", "Map<String,Task>#get", "main.ts"],
    [
      "~lib/function/Function<%28i32%2Cmain/T%29=>i32>#call",
      "Function<(i32,T)=>i32>#call",
      "~lib/function.ts",
    ],
    ["main/%zz", "%zz", "main.ts"],
  ])("%s is %s in %s", (name, shown, file) => {
    expect(sourceName(name)).toEqual({ function: shown, file });
  });
});
