// What is no valid module, or uses what the lowering does not implement, is refused in one sentence before anything is
// compiled; what it implements is not.
// Why: gcc would say it too, in words about its own insides, or not at all. Fails if a feature gets through that a
// guest cannot have, if a module is refused for one that it can, or if an error does not say which and where.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

import { decodeModule } from "../../../../src/host/build/lower/decode/sections.js";
import { typeText } from "../../../../src/host/build/lower/decode/module.js";
import { checkImports } from "../../../../src/host/build/lower/imports.js";
import { linearMemory } from "../../../../src/host/build/lower/linear-memory.js";
import { lower } from "../../../../src/host/build/lower/lower.js";
import { checkTables, entryOf } from "../../../../src/host/build/lower/program.js";
import { assemble } from "../../../fuzz/assemble.js";
import { loweredText } from "../../../fuzz/batch.js";
import { leb } from "../../../fuzz/exports.js";

const module = async (text: string) => decodeModule(await assemble(`(module ${text})`));
/** Decodes and lowers, without a compiler. */
const lowerText = (wasm: Uint8Array): string => loweredText(decodeModule(wasm), "wasm_");
const bytes = (...body: number[]): Uint8Array =>
  Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...body]);
/** A module of one function with these instructions, which no assembler here may know. */
const code = (...body: number[]): Uint8Array =>
  bytes(
    1,
    4,
    1,
    0x60,
    0,
    0,
    3,
    2,
    1,
    0,
    10,
    body.length + 5,
    1,
    body.length + 3,
    0,
    ...body,
    0x1a,
    0x0b,
  );

/** A module with some of everything that core Wasm has. */
const EVERYTHING = `(module
      (type $f (func (param i32) (result i32 i64)))
      (global $g (mut i64) (i64.const 1)) (global (export "g") (mut f32) (f32.const nan))
      (memory (export "memory") 1 3) (table $t 4 9 funcref) (table $e 2 externref)
      (elem (table $t) (i32.const 1) func $start) (elem $p func $start) (data $d "x")
      (func $many (export "many") (type $f) (local.get 0) (i64.extend8_s (global.get $g)))
      (func $tail (result i32) (return_call $one)) (func $one (result i32) (i32.const 1))
      (func $start
        (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1)) (data.drop $d)
        (memory.copy (i32.const 0) (i32.const 1) (i32.const 1)) (memory.fill (i32.const 0) (i32.const 1) (i32.const 1))
        (table.init $t $p (i32.const 0) (i32.const 0) (i32.const 1)) (elem.drop $p)
        (drop (table.grow $e (ref.null extern) (i32.const 1))) (drop (table.size $t))
        (drop (i32.trunc_sat_f64_u (f64.const 1)))
        (v128.store offset=16 (i32.const 0) (i8x16.add_sat_s
          (v128.const i64x2 1 2) (i16x8.replace_lane 3 (i32x4.splat (i32.const 7)) (i32.const 9))))
        (drop (v128.load16_lane 5 (i32.const 0) (v128.load8x8_u (i32.const 4))))
        (drop (select (result funcref) (ref.null func) (ref.func $start) (i32.const 1))))
      (start $start))`;

const OWN = { native: false, hypercalls: true };
const FOREIGN = { native: false, hypercalls: false };

describe("refused by name:", () => {
  test.each<[string, Uint8Array]>([
    ["threads (atomics) (function 0)", code(0xfe, 0x03, 0)],
    ["threads (shared memory) (memory section)", bytes(5, 4, 1, 3, 1, 1)],
    ["64-bit addresses (memory64) (memory section)", bytes(5, 3, 1, 4, 1)],
    ["more than one memory (memory section)", bytes(5, 5, 2, 0, 1, 0, 1)],
    ["more than one memory (function 0)", code(0x41, 0, 0x28, 0x42, 1, 0)],
    ["custom page sizes (memory section)", bytes(5, 4, 1, 8, 1, 0)],
    ["exceptions (function 0)", code(0x06, 0x40, 0x0b)],
    ["exceptions (function 0)", code(0x1f, 0x40, 0, 0x0b)],
    ["exceptions (tag section)", bytes(13, 3, 1, 0, 0)],
    ["garbage collection and typed function references (function 0)", code(0x14, 0)],
    ["garbage collection and typed function references (function 0)", code(0xfb, 0, 0)],
    ["garbage collection and typed function references (type section)", bytes(1, 3, 1, 0x5f, 0)],
    ["wide arithmetic (function 0)", code(0xfc, 19)],
    ["relaxed SIMD (function 0)", code(0xfd, 0x80, 0x02)],
  ])("%s", (feature, wasm) => {
    expect(() => lowerText(wasm)).toThrow(`unsupported Wasm feature: ${feature}`);
  });

  test("imports that nobody brings, each with its kind", async () => {
    const wanted = await module(`
      (import "env" "memory" (memory 1)) (import "env" "abort" (func (param i32 i32 i32 i32)))
      (import "env" "missing" (func)) (import "xen" "barrier" (func)) (import "xen" "no_such" (func))
      (import "js" "value" (global i32)) (import "native" "probe" (func))`);
    await expect(checkImports(wanted, OWN)).rejects.toThrow(
      /^unsupported imports: "env" "memory" \(memory\), "env" "missing" \(function\), "xen" "no_such" \(function\), "js" "value" \(global\), "native" "probe" \(function\)$/,
    );
    await expect(checkImports(wanted, { ...OWN, native: true })).rejects.not.toThrow(/native/);
  });

  test("a function that WASI has not, and one that it has with another type", async () => {
    const wasi = (name: string, type: string): string =>
      `(import "wasi_snapshot_preview1" "${name}" (func ${type}))`;
    const right = wasi("fd_seek", "(param i32 i64 i32 i32) (result i32)");
    await checkImports(await module(right + wasi("proc_exit", "(param i32)")), FOREIGN);
    const wrong = wasi("fd_seek", "(param i32 i32 i32 i32) (result i32)");
    await expect(
      checkImports(await module(right + wrong + wasi("fd_fly", "")), FOREIGN),
    ).rejects.toThrow(
      /imports: "wasi_\w+" "fd_seek" \(function\) of type "i32 i32 i32 i32 -> i32": expected "i32 i64 i32 i32 -> i32", "wasi_\w+" "fd_fly" \(function\)$/,
    );
  });

  test("hypercalls: of another type, and those of a module that nobody trusts", async () => {
    const hypercall = (type: string) => module(`(import "xen" "hypercall1" (func ${type}))`);
    await checkImports(await hypercall("(param i32 i64) (result i64)"), OWN);
    await expect(
      checkImports(await hypercall("(param i32 i32) (result i64)"), OWN),
    ).rejects.toThrow(
      '"xen" "hypercall1" (function) of type "i32 i32 -> i64": expected "i32 i64 -> i64"',
    );
    await expect(
      checkImports(await hypercall("(param i32 i64) (result i64)"), FOREIGN),
    ).rejects.toThrow(
      expect.objectContaining({
        hint: expect.stringContaining("--allow-hypercalls") as string,
      }) as Error,
    );
  });

  test("names in an error move no cursor", async () => {
    const one = await module('(import "a\\1b[2J" "b\\0a\\e2\\80\\aec" (func))');
    await expect(checkImports(one, FOREIGN)).rejects.toThrow(
      '"a\\u001b[2J" "b\\n\\u202ec" (function)',
    );
  });

  test.each([
    ["", /exports no _start and has no start function/],
    ['(func (export "_start") (param i32))', /"_start" has the type "i32 ->"/],
    ['(func (export "_start")) (table 400000 funcref)', /tables take \d+ bytes/],
  ])("a module that cannot be run: %s", async (text, message) => {
    const one = await module(text);
    expect(() => {
      entryOf(one);
      checkTables(one);
    }).toThrow(message);
  });

  test("data in an absent page, with what mends it", async () => {
    const low = await module('(memory 1) (data (i32.const 4095) "ab")');
    expect(() => linearMemory(low, "trap", "x")).toThrow(
      expect.objectContaining({ hint: "--null-page allow" }) as Error,
    );
    expect(linearMemory(low, "allow", "x").image).toHaveLength(4097);
  });

  test.each<[string, Uint8Array, string]>([
    ["no Wasm", Buffer.from("#!/bin/sh"), "not a Wasm module"],
    ["a component", Uint8Array.from([0, 0x61, 0x73, 0x6d, 13, 0, 1, 0]), "core module"],
    ["an end too early", bytes(1, 9, 1), "module: unexpected end"],
    [
      "a section twice",
      bytes(1, 1, 0, 1, 1, 0),
      "the type section is in the wrong place, or there are two",
    ],
    ["a number of 33 bits", bytes(1, 6, 0xff, 0xff, 0xff, 0xff, 0x1f, 0), "longer than 32 bits"],
    [
      "a number of too many bytes",
      bytes(1, 7, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 0),
      "longer than 32 bits",
    ],
    ["a name that is not UTF-8", bytes(7, 6, 1, 2, 0xff, 0xfe, 0, 0), "a name is not UTF-8"],
    [
      "a count that nothing follows",
      bytes(1, 5, 0x80, 0x89, 0x7a, 0x60, 0),
      "2000000 types: at most 1000000",
    ],
    ["bytes behind a section", bytes(1, 2, 0, 0), "extra bytes after its end"],
    ["functions without code", bytes(1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0), "none has code"],
    [
      "an export of nothing",
      bytes(7, 5, 1, 1, 0x61, 0, 0),
      "function 0, which is exported, does not exist",
    ],
    [
      "a type mismatch",
      code(0x41, 1, 0x42, 1, 0x6a),
      "function 0: type mismatch: expected i32, found i64",
    ],
    ["a missing operand", code(0x6a), "an operand is missing: expected i32"],
    ["a label that is not there", code(0x0c, 2), "label 2 does not exist"],
    ["a local that is not there", code(0x20, 0), "local 0 does not exist"],
    ["an unknown instruction", code(0x27), "unknown instruction 0x27"],
    ["memory that is not there", code(0x41, 0, 0x28, 2, 0), "memory 0 does not exist"],
    ["`else` alone", code(0x05), "`else` without `if`"],
    ["too much on the stack", code(0x41, 0, 0x41, 0), "more operands"],
  ])("%s", (_, wasm, message) => {
    expect(() => lowerText(wasm)).toThrow(message);
    // In one line.
    expect(() => lowerText(wasm)).not.toThrow("\n");
  });

  test("what V8 finds not valid, and nothing else", async () => {
    // Each byte of a module with some of everything, changed in a few ways.
    const wasm = await assemble(EVERYTHING);
    let valid = 0;
    for (let at = 8; at < wasm.length; at++)
      for (const change of [1, 0x40, 0x7f, 0x80]) {
        const changed = Uint8Array.from(wasm);
        changed[at] = (changed[at] ?? 0) ^ change;
        let message = "";
        try {
          lowerText(changed);
          valid++;
        } catch (error) {
          message = (error as Error).message;
        }
        // It knows of proposals that the lowering does not implement.
        if (message.startsWith("unsupported Wasm feature")) continue;
        expect([at, change, message, message === ""]).toEqual([
          at,
          change,
          message,
          WebAssembly.validate(changed),
        ]);
      }
    expect(valid).toBeGreaterThan(100);
  });
});

describe("accepted:", () => {
  test("everything else that core Wasm has", async () => {
    const all = decodeModule(await assemble(EVERYTHING));
    expect(all).toMatchObject({
      memory: { minimum: 1, maximum: 3 },
      start: 3,
      tables: [
        { element: "funcref", minimum: 4, maximum: 9 },
        { element: "externref", minimum: 2, maximum: null },
      ],
      exports: [{ name: "g" }, { name: "memory" }, { name: "many", kind: "function", index: 0 }],
    });
    expect(all.functions.map(typeText)[0]).toBe("i32 -> i32 i64");
    expect(lowerText(all.bytes)).toContain("wasm_fn_many");
  });

  test("data at a computed place: it is computed here", async () => {
    const computed = await module('(memory 1) (data (i32.add (i32.const 4) (i32.const 5)) "x")');
    expect(computed.data[0]?.offset).toBe(9);
    expect(linearMemory(computed, "allow", "x").image).toHaveLength(10);
  });

  test("data far behind the rest: it is copied when the module starts, and takes no room between", async () => {
    const far = await module(
      '(memory 65536) (data (i32.const 8) "near") (data (i32.const -4) "far!") (data (i32.const 9) "over")',
    );
    const { image, copied } = linearMemory(far, "allow", "x");
    expect(Buffer.from(image.subarray(8)).toString()).toBe("nover");
    expect([...copied].map(({ bytes: data }) => Buffer.from(data).toString())).toEqual(["far!"]);
  });

  test("100,000 nested blocks of each kind, and a br_table out of them", () => {
    const nested = (open: number[], depth: number): Uint8Array<ArrayBuffer> => {
      const body = Buffer.concat([
        Uint8Array.of(0),
        Buffer.alloc(open.length * depth, Uint8Array.from(open)),
        Uint8Array.of(0x41, 0, 0x0e, 3, 0, 5, 7, 9),
        Buffer.alloc(depth + 1, 0x0b),
      ]);
      const size = leb(body.length);
      const contents = leb(body.length + size.length + 1);
      const before = bytes(...[1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10], ...contents, 1, ...size);
      return Uint8Array.from(Buffer.concat([before, body]));
    };
    for (const open of [
      [0x02, 0x40],
      [0x03, 0x40],
      [0x41, 1, 0x04, 0x40],
    ]) {
      const wasm = nested(open, 100_000);
      expect(WebAssembly.validate(wasm)).toBe(true);
      // C nests no deeper than a compiler likes.
      expect(lowerText(wasm)).not.toMatch(/^ {100}/m);
    }
  });
});

test("what gcc calls where a processor may not have it is all in runtime/wasm/math.c, and nothing else is", async () => {
  const operations = (["f32", "f64"] as const).flatMap((type) =>
    ["abs", "neg", "ceil", "floor", "trunc", "nearest", "sqrt"].map(
      (name) => `(func (param ${type}) (result ${type}) (${type}.${name} (local.get 0)))`,
    ),
  );
  const counts = (["i32", "i64"] as const).flatMap((type) =>
    ["clz", "ctz", "popcnt"].map(
      (name) => `(func (param ${type}) (result ${type}) (${type}.${name} (local.get 0)))`,
    ),
  );
  const functions = [...operations, ...counts];
  const wasm = await assemble(`(module ${functions.join("\n")} (memory 1)
    (table funcref (elem ${functions.map((_, index) => index).join(" ")}))
    (func (export "_start") (i32.store (i32.const 0) (ref.is_null (table.get 0 (memory.size))))))`);
  const folder = await mkdtemp(join(tmpdir(), "xenlet-math-"));
  try {
    const { objects } = await lower({ wasm, own: false, hypercall: "page", folder, cache: false });
    const { stdout } = await promisify(execFile)("nm", ["-u", objects[0] ?? ""]);
    const called = [...stdout.matchAll(/ U (?!memory_pages$)(\w+)/gm)].map(([, name]) => name);
    const math = await readFile(join("runtime", "wasm", "math.c"), "utf8");
    const defined = [...math.matchAll(/^\w+ (\w+)\(.*\)$/gm)].map(([, name]) => name);
    expect(called.sort()).toEqual(defined.sort());
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("equal modules give equal objects, whichever folder they were built in", async () => {
  const wasm = await assemble(
    '(module (memory 1) (func (export "_start") (i32.store (i32.const 8) (i32.const 1))))',
  );
  const built = await Promise.all(
    ["one", "another"].map(async (name) => {
      const folder = await mkdtemp(join(tmpdir(), `xenlet-${name}-`));
      try {
        const { objects } = await lower({
          wasm,
          own: false,
          hypercall: "page",
          folder,
          cache: false,
        });
        return await Promise.all(objects.map((object) => readFile(object)));
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    }),
  );
  expect(
    built[0]?.map((object, index) => Buffer.compare(object, built[1]?.[index] ?? Buffer.alloc(0))),
  ).toEqual([0, 0, 0]);
});
