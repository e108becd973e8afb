// A module on which two implementations disagree is made small enough to read.
// Why: random modules have thousands of instructions, of which one is wrong. The other implementation here is V8,
// too, with one operation taken for another. Fails if the reducer gives up early, or loses what was wrong.

import { expect, test } from "vitest";

import { assemble } from "../../fuzz/assemble.js";
import { exposed } from "../../fuzz/exports.js";
import { callsOf, outcomeOf, type Call } from "../../fuzz/outcome.js";
import { parseTree, printTree, reduce, simpler, textOf } from "../../fuzz/reduce.js";

async function wrongAbout(wasm: Uint8Array, calls: Call[]): Promise<boolean> {
  const text = await textOf(wasm);
  if (!text.includes("i32.clz")) return false;
  const other = await assemble(text.replaceAll("i32.clz", "i32.ctz"));
  return outcomeOf(exposed(wasm), calls).digest !== outcomeOf(exposed(other), calls).digest;
}

const START = `(module
  (memory 1)
  (global $g (mut i64) (i64.const 5))
  (func $other (param i64) (result i64) (i64.mul (local.get 0) (i64.const 3)))
  (func $main (param $x i32) (param $y i64) (result i32)
    (local $z i32)
    (global.set $g (call $other (i64.add (local.get $y) (global.get $g))))
    (block $out
      (br_if $out (i32.eqz (i32.load offset=8 (i32.const 16))))
      (local.set $z (i32.const 9)))
    (if (i32.lt_u (local.get $z) (i32.const 5))
      (then (local.set $z (i32.add (i32.clz (i32.or (local.get $x) (i32.const 0x1230))) (i32.const 4))))
      (else (i32.store (i32.const 0) (local.get $z))))
    (i32.xor (local.get $z) (i32.wrap_i64 (global.get $g)))))`;

test("what is left is the operation, and what it needs", { timeout: 120_000 }, async () => {
  const start = exposed(await assemble(START));
  const calls = callsOf(start, 1);
  expect(await wrongAbout(start.wasm, calls)).toBe(true);
  const small = await reduce(
    { wasm: start.wasm, calls },
    async (candidates) => {
      const wrong = new Set<number>();
      for (const [index, one] of candidates.entries())
        if (await wrongAbout(one.wasm, one.calls)) wrong.add(index);
      return wrong;
    },
    16,
  );
  expect(await wrongAbout(small.wasm, small.calls)).toBe(true);
  expect(small.calls).toHaveLength(1);
  expect(small.text.match(/\w+\.clz/g)).toEqual(["i32.clz"]);
  expect(small.text.match(/\b[if](?:32|64)\.(?!const)\w+/g)?.length).toBeLessThan(4);
});

test("text and tree are the same", () => {
  const text =
    '(module (func (param i32) (i32.add (local.get 0) (i32.const 1))) (data "a(;\\\\22 ;;"))';
  expect(printTree(parseTree(`${text.slice(0, -1)} ;; a comment\n (; and ; another ;))`))).toBe(
    text,
  );
});

test("each step is a smaller module, and one at a time", () => {
  const trees = [...simpler(parseTree("(module (func (drop (i32.eqz (i32.const 7)))))"))].map(
    printTree,
  );
  expect(trees).toContain("(module (func (drop (i32.const 7))))");
  expect(trees).toContain("(module (func))");
  expect(new Set(trees).size).toBeGreaterThan(5);
});
