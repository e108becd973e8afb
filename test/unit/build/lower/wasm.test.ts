// What the lowering cannot do is refused by name, before anything is compiled; what it can is not.
// Why: wasm2c and gcc would say it too, in words about their own insides, or not at all. Fails if a feature gets
// through that a guest cannot have, if a module is refused for one that it can, or if an error does not say which.

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

import { checkImports, isForeign } from "../../../../src/host/build/lower/imports.js";
import { linearMemory, moduleHeader } from "../../../../src/host/build/module-files.js";
import { lower } from "../../../../src/host/build/lower/lower.js";
import { readWasm } from "../../../../src/host/build/lower/wasm.js";
import { assemble } from "../../../fuzz/assemble.js";

const module = async (text: string) => readWasm(await assemble(`(module ${text})`));
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

describe("refused by name:", () => {
  test.each<[string, Uint8Array]>([
    ["128-bit vectors (SIMD)", code(0xfd, 0x0c, ...Array<number>(16).fill(0))],
    ["128-bit vectors (SIMD)", bytes(1, 5, 1, 0x60, 1, 0x7b, 0)],
    ["atomics (threads)", code(0xfe, 0x03, 0)],
    ["shared memory (threads)", bytes(5, 4, 1, 3, 1, 1)],
    ["64-bit addresses (memory64)", bytes(5, 3, 1, 4, 1)],
    ["more than one memory", bytes(5, 5, 2, 0, 1, 0, 1)],
    ["more than one memory", code(0x41, 0, 0x28, 0x42, 1, 0)],
    ["custom page sizes", bytes(5, 4, 1, 8, 1, 0)],
    ["exceptions", code(0x06, 0x40, 0x0b)],
    ["exceptions", code(0x1f, 0x40, 0, 0x0b)],
    ["exceptions", bytes(13, 3, 1, 0, 0)],
    ["typed function references", code(0x14, 0)],
    ["garbage collection", code(0xfb, 0, 0)],
    ["garbage collection", bytes(1, 3, 1, 0x5f, 0)],
    ["wide arithmetic", code(0xfc, 19)],
  ])("%s", (feature, wasm) => {
    expect(() => readWasm(wasm)).toThrow(feature);
  });

  test("imports that nobody brings, each with its kind", async () => {
    const wanted = await module(`
      (import "env" "memory" (memory 1)) (import "env" "abort" (func (param i32 i32 i32 i32)))
      (import "env" "missing" (func)) (import "xen" "barrier" (func)) (import "xen" "no_such" (func))
      (import "js" "value" (global i32)) (import "native" "probe" (func))`);
    await expect(checkImports(wanted, false)).rejects.toThrow(
      /env\.memory \(memory\), env\.missing \(function\), xen\.no_such \(function\), js\.value \(global\), native\.probe \(function\)$/,
    );
    await expect(checkImports(wanted, true)).rejects.not.toThrow(/native/);
  });

  test("a function that WASI has not, and one that it has with another type", async () => {
    const wasi = (name: string, type: string): string =>
      `(import "wasi_snapshot_preview1" "${name}" (func ${type}))`;
    const right = wasi("fd_seek", "(param i32 i64 i32 i32) (result i32)");
    await checkImports(await module(right + wasi("proc_exit", "(param i32)")), false);
    const wrong = wasi("fd_seek", "(param i32 i32 i32 i32) (result i32)");
    await expect(
      checkImports(await module(right + wrong + wasi("fd_fly", "")), false),
    ).rejects.toThrow(
      /has not: wasi_\w+\.fd_seek \(function\): its type is "i32 i64 i32 i32 -> i32", not "i32 i32 i32 i32 -> i32", wasi_\w+\.fd_fly \(function\)$/,
    );
  });

  test.each([
    ["", /exports no _start and has no start function/],
    ['(func (export "_start") (param i32))', /_start is of type "i32 ->"/],
    ['(func (export "_start")) (table 200000 funcref)', /tables take \d+ bytes/],
  ])("a module that cannot be run: %s", async (text, message) => {
    const one = await module(text);
    expect(() => moduleHeader(one, "allow", { c: "", header: "" })).toThrow(message);
  });

  test("data in an absent page, with what mends it", async () => {
    const low = await module('(memory 1) (data (i32.const 4095) "ab")');
    expect(() => linearMemory(low, "trap", "x")).toThrow(
      expect.objectContaining({ hint: "--null-page allow" }) as Error,
    );
    expect(linearMemory(low, "allow", "x").image).toHaveLength(4097);
  });

  test("what is no Wasm at all, and what ends too early", () => {
    expect(() => readWasm(Buffer.from("#!/bin/sh"))).toThrow("not a Wasm module");
    expect(() => readWasm(bytes(1, 9, 1))).toThrow("ends inside");
    expect(() => readWasm(Uint8Array.from([0, 0x61, 0x73, 0x6d, 13, 0, 1, 0]))).toThrow(
      "core module",
    );
  });

  test("what is no valid module, in the validator's words", async () => {
    const folder = await mkdtemp(join(tmpdir(), "xenlet-wasm-"));
    try {
      const wasm = code(0x41, 1, 0x42, 1, 0x6a);
      await expect(lower({ wasm, hypercall: "page", folder, cache: false })).rejects.toThrow(
        /not valid: .*type mismatch in i32.add/,
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe("accepted:", () => {
  test("everything else that core Wasm has", async () => {
    const all = await module(`
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
        (drop (select (result funcref) (ref.null func) (ref.func $start) (i32.const 1))))
      (start $start)`);
    expect(all).toMatchObject({
      initialPages: 1,
      starts: true,
      tables: [
        { element: "funcref", minimum: 4, maximum: 9 },
        { element: "externref", minimum: 2, maximum: null },
      ],
      exports: [{ name: "g" }, { name: "memory" }, { name: "many", kind: "function", index: 0 }],
    });
    expect(all.signatures[0]).toBe("i32 -> i32 i64");
    expect(isForeign(all)).toBe(true);
  });

  test("data where only the running module knows: it is copied then, and not placed", async () => {
    const computed = await module('(memory 1) (data (i32.add (i32.const 4) (i32.const 5)) "x")');
    expect(computed.data[0]?.offset).toBeNull();
    expect(linearMemory(computed, "allow", "x").image).toHaveLength(0);
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
  const functions = [...operations, ...counts].map((text, index) =>
    text.replace("(func", `(func (export "f${String(index)}")`),
  );
  const wasm = await assemble(`(module ${functions.join("\n")} (func (export "_start")))`);
  const folder = await mkdtemp(join(tmpdir(), "xenlet-math-"));
  try {
    const { objects } = await lower({ wasm, hypercall: "page", folder, cache: false });
    const { stdout } = await promisify(execFile)("nm", ["-u", objects[0] ?? ""]);
    const called = [...stdout.matchAll(/ U (\w+)/g)].map(([, name]) => name);
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
        const { objects } = await lower({ wasm, hypercall: "page", folder, cache: false });
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
