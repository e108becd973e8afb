// Makes a module that V8 and the guest do not agree on small enough to read.
//
// The module is taken as text, a tree of expressions, and each round tries what is left of it when one of them is
// replaced by something simpler. What is not valid then is left out, and all the rest goes into one guest: a round
// costs one boot, and the smallest module on which they still disagree is the next round's.

import { createRequire } from "node:module";
import { readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { randomUUID } from "node:crypto";

import { EmscriptenTool } from "../../src/image/emscripten.js";
import type { Call } from "./outcome.js";

export type Tree = string | Tree[];

export interface Reducible {
  wasm: Uint8Array;
  calls: Call[];
}
/** Which of them (by index) are still wrong. */
export type StillWrong = (candidates: Reducible[]) => Promise<Set<number>>;

const ROUNDS = 80;

const binaryen = dirname(createRequire(import.meta.url).resolve("binaryen"));
const tools = new Map<string, Promise<EmscriptenTool>>();

async function convert(tool: string, input: string | Uint8Array): Promise<Uint8Array | null> {
  const loaded = tools.get(tool) ?? EmscriptenTool.load(join(binaryen, "bin", tool));
  tools.set(tool, loaded);
  const [from, to] = ["in", "out"].map((suffix) =>
    join(tmpdir(), `xenlet-reduce-${randomUUID()}.${suffix}`),
  ) as [string, string];
  try {
    await writeFile(from, input);
    const { status } = await (await loaded).run([from, "-o", to, "--all-features", "--disable-gc"]);
    return status === 0 ? await readFile(to) : null;
  } finally {
    await Promise.all([rm(from, { force: true }), rm(to, { force: true })]);
  }
}

/** A module in Binaryen's text format, which has nested expressions. */
export async function textOf(wasm: Uint8Array): Promise<string> {
  const text = await convert("wasm-dis", wasm);
  if (text === null) throw new Error("wasm-dis does not take this module");
  return Buffer.from(text).toString();
}

export function parseTree(text: string): Tree {
  const stack: Tree[][] = [[]];
  for (const [token] of text.matchAll(/;;.*|\(;[\s\S]*?;\)|"(?:[^"\\]|\\.)*"|[()]|[^\s()"]+/g)) {
    if (token.startsWith(";;") || token.startsWith("(;")) continue;
    if (token === "(") stack.push([]);
    else if (token === ")") {
      const done = stack.pop() ?? [];
      stack.at(-1)?.push(done);
    } else stack.at(-1)?.push(token);
  }
  return stack[0]?.[0] ?? [];
}

export function printTree(tree: Tree): string {
  return typeof tree === "string" ? tree : `(${tree.map(printTree).join(" ")})`;
}

/** Not expressions, though they stand in functions. */
const DECLARATIONS = new Set(["param", "result", "local", "type", "then", "else", "export"]);
const SIMPLEST: Tree[] = [
  ["nop"],
  ["unreachable"],
  ["i32.const", "0"],
  ["i64.const", "0"],
  ["f32.const", "0"],
  ["f64.const", "0"],
  ["ref.null", "nofunc"],
  ["ref.null", "noextern"],
];

const isExpression = (tree: Tree): tree is Tree[] =>
  Array.isArray(tree) && typeof tree[0] === "string" && !DECLARATIONS.has(tree[0]);

function emptied(tree: Tree[]): Tree {
  return [...tree.filter((child) => !isExpression(child)), ["unreachable"]];
}

/** Every tree in which one function has one expression less, or a simpler one, or all others have nothing left. */
export function* simpler(module: Tree): Generator<Tree> {
  if (!Array.isArray(module)) return;
  const isFunction = (item: Tree): item is Tree[] => Array.isArray(item) && item[0] === "func";
  for (const kept of module.filter(isFunction))
    yield module.map((item) => (isFunction(item) && item !== kept ? emptied(item) : item));
  for (const [at, item] of module.entries()) {
    if (!isFunction(item)) continue;
    yield module.with(at, emptied(item));
    for (const other of simplerWithin(item)) yield module.with(at, other);
  }
}

function* simplerWithin(tree: Tree[]): Generator<Tree> {
  for (const [at, child] of tree.entries()) {
    if (!Array.isArray(child)) continue;
    if (isExpression(child)) {
      yield tree.toSpliced(at, 1);
      for (const simple of SIMPLEST)
        if (printTree(simple) !== printTree(child)) yield tree.with(at, simple);
      for (const inner of child.filter(isExpression)) yield tree.with(at, inner);
    }
    for (const other of simplerWithin(child)) yield tree.with(at, other);
  }
}

/** The smallest module found on which `stillWrong` holds, and its text; `atOnce`: candidates in one guest. */
export async function reduce(
  start: Reducible,
  stillWrong: StillWrong,
  atOnce = 60,
): Promise<Reducible & { text: string }> {
  let best = start;
  // First the calls: perhaps one of them is enough.
  const alone = start.calls.map((call) => ({ wasm: start.wasm, calls: [call] }));
  const [enough] = await stillWrong(alone);
  if (enough !== undefined) best = alone[enough] ?? best;
  let tree = parseTree(await textOf(best.wasm));
  for (let round = 0; round < ROUNDS; round++) {
    const next = await oneRound(tree, best, stillWrong, atOnce);
    if (next === null) break;
    ({ tree, best } = next);
  }
  return { ...best, text: printTree(tree).replaceAll(" (func", "\n (func") };
}

async function oneRound(
  tree: Tree,
  current: Reducible,
  stillWrong: StillWrong,
  atOnce: number,
): Promise<{ tree: Tree; best: Reducible } | null> {
  const length = printTree(tree).length;
  const shorter = [...simpler(tree)]
    .map((candidate) => ({ tree: candidate, length: printTree(candidate).length }))
    .filter((candidate) => candidate.length < length)
    .sort((a, b) => a.length - b.length);
  // Some that take much away, which rarely works, and some that take little, which mostly does: of each, every
  // so-manieth.
  const turns = Math.max(1, Math.ceil(shorter.length / atOnce));
  for (let turn = 0; turn < turns; turn++) {
    const waiting: { tree: Tree; best: Reducible }[] = [];
    for (let index = turn; index < shorter.length; index += turns) {
      const candidate = shorter[index];
      const wasm = candidate && (await convert("wasm-as", printTree(candidate.tree)));
      if (wasm) waiting.push({ tree: candidate.tree, best: { wasm, calls: current.calls } });
    }
    const wrong = await stillWrong(waiting.map((one) => one.best));
    const first = waiting.findIndex((_, index) => wrong.has(index));
    if (first >= 0) return waiting[first] ?? null;
  }
  return null;
}
