// A module on which two implementations disagree is made small enough to read.
// Why: random modules have thousands of instructions, of which one is wrong. The other implementation here is V8,
// too, with one operation taken for another. Fails if the reducer gives up early, or loses what was wrong.

import { expect, test } from "vitest";

import { arithmeticModule } from "../../fuzz/arithmetic.js";
import { assemble } from "../../fuzz/assemble.js";
import { exposed } from "../../fuzz/exports.js";
import { callsOf, outcomeOf, type Call } from "../../fuzz/outcome.js";
import {
  applied,
  editsOf,
  parseTree,
  printTree,
  reduce,
  textOf,
  type Reducible,
} from "../../fuzz/reduce.js";

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

/** An oracle that counts how often it was asked, and takes its time. */
function oracle(delayMs = 0): {
  asked: () => number;
  wrong: (_: Reducible[]) => Promise<Set<number>>;
} {
  let asked = 0;
  return {
    asked: () => asked,
    wrong: async (candidates) => {
      asked++;
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      const wrong = new Set<number>();
      for (const [index, one] of candidates.entries())
        if (await wrongAbout(one.wasm, one.calls)) wrong.add(index);
      return wrong;
    },
  };
}

test("what is left is the operation, and what it needs", { timeout: 120_000 }, async () => {
  const start = exposed(await assemble(START));
  const calls = callsOf(start, 1);
  expect(await wrongAbout(start.wasm, calls)).toBe(true);
  const { asked, wrong } = oracle();
  const small = await reduce({ wasm: start.wasm, calls }, wrong, { atOnce: 16 });
  expect(await wrongAbout(small.wasm, small.calls)).toBe(true);
  expect(small.finished).toBe(true);
  expect(small.calls).toHaveLength(1);
  expect(small.text.match(/\w+\.clz/g)).toEqual(["i32.clz"]);
  expect(small.text.match(/\b[if](?:32|64)\.(?!const)\w+/g)?.length).toBeLessThan(4);
  expect(asked()).toBeLessThan(20); // each is a boot
});

test("a module of hundreds of instructions takes few boots", { timeout: 120_000 }, async () => {
  let [seed, large, calls] = [0, await assemble("(module)"), [] as Call[]];
  while (!(await wrongAbout(large, calls))) {
    large = await arithmeticModule(++seed);
    const made = exposed(large);
    [large, calls] = [made.wasm, callsOf(made, seed)];
  }
  const { asked, wrong } = oracle();
  const small = await reduce({ wasm: large, calls }, wrong);
  expect(small.finished).toBe(true);
  expect(large.length).toBeGreaterThan(1500);
  expect(small.wasm.length).toBeLessThan(large.length / 4);
  expect(asked()).toBeLessThan(60);
});

test("when its time is over, it has what it found until then", { timeout: 120_000 }, async () => {
  const start = exposed(await assemble(START));
  const calls = callsOf(start, 1);
  const small = await reduce({ wasm: start.wasm, calls }, oracle(100).wrong, {
    atOnce: 4,
    limitMs: 300,
  });
  expect(small.finished).toBe(false);
  expect(await wrongAbout(small.wasm, small.calls)).toBe(true);
});

test("a module that has lost what ends its loop is no candidate, and holds nobody up", async () => {
  const endless = exposed(await assemble("(module (func (loop $again (br $again))))"));
  expect(() => outcomeOf(endless, callsOf(endless, 1), 100)).toThrow(/timed out/);
});

test("text and tree are the same", () => {
  const text =
    '(module (func (param i32) (i32.add (local.get 0) (i32.const 1))) (data "a(;\\\\22 ;;"))';
  expect(printTree(parseTree(`${text.slice(0, -1)} ;; a comment\n (; and ; another ;))`))).toBe(
    text,
  );
});

test("each edit makes the module smaller; those that touch different places can be done together", () => {
  const tree = parseTree("(module (func (drop (i32.eqz (i32.const 7))) (drop (i64.const 8))))");
  const edits = editsOf(tree);
  const texts = edits.map((edit) => printTree(applied(tree, [edit])));
  expect(texts).toContain("(module (func (drop (i32.const 7)) (drop (i64.const 8))))");
  expect(texts).toContain("(module (func (drop (i64.const 8))))");
  const removals = edits.filter(({ path, to }) => path.length === 2 && to === null);
  expect(printTree(applied(tree, removals))).toBe("(module (func))");
  const lengths = edits.map((edit) => printTree(applied(tree, [edit])).match(/[\w.]+/g)?.length);
  expect(Math.max(...lengths.map(Number))).toBeLessThan(
    printTree(tree).match(/[\w.]+/g)?.length ?? 0,
  );
});
