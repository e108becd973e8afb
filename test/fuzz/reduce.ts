// Makes a module that V8 and the guest do not agree on small enough to read.
//
// The module is taken as text, a tree of expressions, and each round tries what is left of it when one of them is
// replaced by something simpler: large ones first, some dozens to a guest. Those after which they still disagree are
// then done together, or as many of them as can be. So a round costs two boots and takes away much; it ends when no
// replacement is left to be tried, or when its time is over, with the smallest module that was found until then.

import { createRequire } from "node:module";
import { readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { randomUUID } from "node:crypto";

import { EmscriptenTool } from "./emscripten.js";
import type { Call } from "./outcome.js";

export type Tree = string | Tree[];

export interface Reducible {
  wasm: Uint8Array;
  calls: Call[];
}
/** Which of them (by index) are still wrong. */
export type StillWrong = (candidates: Reducible[]) => Promise<Set<number>>;

export interface Reduced extends Reducible {
  text: string;
  /** Whether every replacement was tried: else the time was over. */
  finished: boolean;
}

const TEN_MINUTES = 600_000;

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
const TYPES = ["i32", "i64", "f32", "f64"];
const isExpression = (tree: Tree): tree is Tree[] =>
  Array.isArray(tree) && typeof tree[0] === "string" && !DECLARATIONS.has(tree[0]);

/** One place in a module, and what is put there; null: nothing is. */
export interface Edit {
  path: number[];
  to: Tree | null;
  /** How many words the module has less. */
  saves: number;
}

const words = (tree: Tree): number =>
  typeof tree === "string" ? 1 : tree.reduce((sum: number, child) => sum + words(child), 0);

/** The simplest expressions of an expression's type, as far as its name tells it. */
function simplest([name = "", ...rest]: Tree[]): Tree[] {
  if (typeof name !== "string") return [];
  const result = rest.find((child) => Array.isArray(child) && child[0] === "result")?.[1];
  const [of = "", operation = ""] = name.split(".");
  const types =
    typeof result === "string"
      ? [result]
      : !TYPES.includes(of)
        ? TYPES
        : operation.startsWith("store")
          ? []
          : /^(?:eqz?|ne|[lg][te](?:_[su])?)$/.test(operation)
            ? ["i32"]
            : [of];
  return types.map((type) =>
    type === "funcref"
      ? ["ref.null", "nofunc"]
      : type === "externref"
        ? ["ref.null", "noextern"]
        : [`${type}.const`, "0"],
  );
}

/** Every way to make one function, or one expression of one, smaller. */
export function editsOf(module: Tree): Edit[] {
  const edits: Edit[] = [];
  const add = (path: number[], tree: Tree, to: Tree | null): void => {
    const saves = words(tree) - (to === null ? 0 : words(to));
    if (saves > 0) edits.push({ path, to, saves });
  };
  const within = (tree: Tree[], path: number[]): void => {
    tree.forEach((child, at) => {
      if (!Array.isArray(child)) return;
      const here = [...path, at];
      if (isExpression(child)) {
        add(here, child, null);
        for (const to of [...simplest(child), ["unreachable"], ...child.filter(isExpression)])
          add(here, child, to);
      }
      within(child, here);
    });
  };
  if (Array.isArray(module))
    module.forEach((item, at) => {
      if (!Array.isArray(item) || item[0] !== "func") return;
      add([at], item, [...item.filter((child) => !isExpression(child)), ["unreachable"]]);
      within(item, [at]);
    });
  return edits.sort((a, b) => b.saves - a.saves);
}

const isWithin = (inner: number[], outer: number[]): boolean =>
  outer.every((at, depth) => inner[depth] === at);

/** The module with these edits, of which none is within another. */
export function applied(tree: Tree, edits: Edit[]): Tree {
  const [last] = edits;
  if (typeof tree === "string" || last === undefined) return tree;
  const result: Tree[] = [];
  tree.forEach((child, at) => {
    const here = edits.filter(({ path }) => path[0] === at);
    const whole = here.find(({ path }) => path.length === 1);
    if (whole) {
      if (whole.to !== null) result.push(whole.to);
    } else
      result.push(
        applied(
          child,
          here.map((edit) => ({ ...edit, path: edit.path.slice(1) })),
        ),
      );
  });
  return result;
}

/** A smaller module than `start` on which `stillWrong` holds; `atOnce`: candidates in one guest. */
export async function reduce(
  start: Reducible,
  stillWrong: StillWrong,
  { atOnce = 60, limitMs = TEN_MINUTES }: { atOnce?: number; limitMs?: number } = {},
): Promise<Reduced> {
  const end = performance.now() + limitMs;
  let { wasm, calls } = start;
  // First the calls: perhaps one of them is enough.
  for (let at = 0; at < start.calls.length; at += atOnce) {
    const alone = start.calls.slice(at, at + atOnce).map((call) => [call]);
    const [enough] = await stillWrong(alone.map((one) => ({ wasm, calls: one })));
    if (enough === undefined) continue;
    calls = alone[enough] ?? calls;
    break;
  }
  let tree = parseTree(await textOf(wasm));
  /** Of these sets of edits, those that leave a valid module that is still wrong. */
  const tried = async (sets: Edit[][]): Promise<Edit[][]> => {
    const valid: { set: Edit[]; wasm: Uint8Array }[] = [];
    for (const set of sets) {
      const candidate = await convert("wasm-as", printTree(applied(tree, set)));
      if (candidate) valid.push({ set, wasm: candidate });
    }
    if (valid.length === 0) return [];
    const wrong = await stillWrong(valid.map((one) => ({ wasm: one.wasm, calls })));
    return valid.filter((_, index) => wrong.has(index)).map(({ set }) => set);
  };
  let changed = true;
  let finished = true;
  while (changed && finished) {
    changed = false;
    let edits = editsOf(tree);
    for (let at = 0; at < edits.length && finished;) {
      const some = edits.slice(at, at + atOnce);
      const good = apart((await tried(some.map((edit) => [edit]))).flat());
      at += some.length;
      if (good.length > 0) {
        const [set] = good.length === 1 ? [good] : await tried(portions(good));
        tree = applied(tree, set ?? good.slice(0, 1));
        wasm = (await convert("wasm-as", printTree(tree))) ?? wasm;
        changed = true;
        // What would take away more has been tried, for now.
        const saves = some.at(-1)?.saves ?? 0;
        edits = editsOf(tree);
        at = edits.findIndex((edit) => edit.saves <= saves);
        if (at < 0) break;
      }
      finished = performance.now() < end;
    }
  }
  return { wasm, calls, finished, text: printTree(tree).replaceAll(" (func", "\n (func") };
}

/** As many of them as do not touch each other. */
function apart(edits: Edit[]): Edit[] {
  const kept: Edit[] = [];
  for (const edit of edits)
    if (!kept.some(({ path }) => isWithin(path, edit.path) || isWithin(edit.path, path)))
      kept.push(edit);
  return kept;
}

/** All of them, the first half, the first quarter, and so on. */
function portions<T>(items: T[]): T[][] {
  const sets: T[][] = [];
  for (let count = items.length; count >= 1; count = Math.floor(count / 2))
    sets.push(items.slice(0, count));
  return sets;
}
