// The chapters of Wasm's specification, each with a script of its own (test/wast/chapters), run in a guest on Xen: what
// every instruction returns at the edges of what it takes, which trap a wrong use ends in, and which modules are not valid.
// Why: random modules (fuzz.test.ts) show that two compilers agree; a script says what is right, and why it broke. Fails if
// one of its assertions does not hold, or is skipped. The controls lower an operation wrongly, and expect what is not so.

import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";

import { runScripts } from "../wast/run.js";
import { extent } from "../fixtures/extent.js";
import { scratch } from "./setup.js";

const MINUTE = 60_000;
const CHAPTERS = join("test", "wast", "chapters");

test("every chapter holds in a guest", { timeout: 5 * MINUTE }, async () => {
  const names = (await readdir(CHAPTERS)).filter((name) => name.endsWith(".wast"));
  const results = await runScripts(names.map((name) => join(CHAPTERS, name)));
  expect(results.flatMap(({ name, wrong }) => wrong.map((one) => ({ name, ...one })))).toEqual([]);
  expect(results.flatMap(({ name, skipped }) => skipped.map((one) => ({ name, ...one })))).toEqual(
    [],
  );
  for (const { name, right } of results) expect([name, right >= 14]).toEqual([name, true]);
});

test("and on SSE4.1, in a guest of x86-64-v2", { timeout: 5 * MINUTE }, async () => {
  const some = extent(
    ["floats", "simd-floats"],
    ["floats", "integers", "simd-floats", "simd-integers", "simd-lanes"],
  );
  const results = await runScripts(
    some.map((name) => join(CHAPTERS, `${name}.wast`)),
    { cpu: "x86-64-v2" },
  );
  expect(results.flatMap(({ name, wrong }) => wrong.map((one) => ({ name, ...one })))).toEqual([]);
});

test(
  "the control: an operation that is lowered wrongly is found",
  { timeout: 5 * MINUTE },
  async () => {
    const [result] = await runScripts([join(CHAPTERS, "integers.wast")], {
      flags: ["-D__builtin_clz=__builtin_ctz"],
    });
    expect(result?.wrong.map(({ why }) => why)).toEqual(['invoke "clz": trap=none result=0x0,0xf']);
  },
);

test("the control: what does not hold is told by its line", { timeout: 5 * MINUTE }, async () => {
  const file = scratch("wrong.wast");
  await writeFile(
    file,
    `(module (memory 1)
      (func (export "one") (result i32) (i32.const 1))
      (func (export "nan") (result f64) (f64.const nan:0x1))
      (func (export "load") (param i32) (result i64) (i64.load (local.get 0))))
    (assert_return (invoke "one") (i32.const 2))
    (assert_return (invoke "nan") (f64.const nan:canonical))
    (assert_trap (invoke "one") "unreachable")
    (assert_return (invoke "load" (i32.const 65529)) (i64.const 0))
    (assert_trap (invoke "load" (i32.const 65529)) "integer overflow")
    (assert_invalid (module (func)) "type mismatch")
    (assert_return (invoke "none"))
    (assert_return (invoke "one") (i32.const 1))`,
  );
  const [result] = await runScripts([file]);
  expect(result).toMatchObject({ right: 2, skipped: [] });
  expect(result?.wrong.map(({ line }) => line).sort((a, b) => a - b)).toEqual([
    5, 6, 7, 8, 9, 10, 11,
  ]);
});
