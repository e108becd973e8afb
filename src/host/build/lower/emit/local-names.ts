// The C names of a function's parameters and locals: p0, l3; for a debugger, what their author called them.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { packageRoot } from "../../../base/package-root.js";

/** Names that C gives another meaning: gcc's keywords, and the macros that it defines outside of the names with __. */
const KEYWORDS =
  "auto break case char const continue default do double else enum extern float for goto if inline int long register " +
  "restrict return short signed sizeof static struct switch typedef typeof union unsigned void volatile while asm " +
  "linux unix";

/** What lowered C is written in. */
const HEADERS = ["lowered.h", "memory.h", "numeric.h", "simd.h", "tables.h", "intrinsics.h"];
/** The emitter's own: operands, parameters and locals without a name (LETTERS, symbols.ts), and what symbols begin with. */
const EMITTED = /^(?:[ijfdverpl]\d+|results|wasm_\w*|_\w*)$/;

const MACRO = /^[ \t]*#[ \t]*define[ \t]+(\w+)(?:\(([^)]*)\))?((?:.*\\\n)*.*)$/gm;
const wordsOf = (text: string): string[] => text.match(/\w+/g) ?? [];

/**
 * The words of a header that a variable of the same name would take another meaning from: macros and all that they expand to,
 * constants, and what is declared outside of functions' bodies and parameters.
 */
export function takenBy(header: string): string[] {
  const text = header.replaceAll(/\/\*[\s\S]*?\*\//g, " ");
  const macros = [...text.matchAll(MACRO)].flatMap(([, name = "", parameters = "", body = ""]) => {
    const own = new Set(wordsOf(parameters));
    return [name, ...wordsOf(body).filter((word) => !own.has(word))];
  });
  let outside = text.replaceAll(MACRO, "");
  for (let before = ""; before !== outside;) {
    before = outside;
    outside = outside.replaceAll(/\{[^{}]*\}|\([^()]*\)/g, " ");
  }
  return [...macros, ...wordsOf(outside), ...(text.match(/\b[A-Z][A-Z0-9_]*\b/g) ?? [])];
}

let taken: Set<string> | undefined;

function isTaken(name: string): boolean {
  taken ??= new Set([
    ...KEYWORDS.split(" "),
    ...HEADERS.flatMap((header) =>
      takenBy(readFileSync(join(packageRoot, "runtime", "wasm", header), "utf8")),
    ),
  ]);
  return EMITTED.test(name) || taken.has(name);
}

const plainName = (index: number, parameters: number): string =>
  `${index < parameters ? "p" : "l"}${index}`;

/**
 * Of all parameters and locals, by index. `names`: as the module's name section has them; what is no name in C, or has
 * another meaning there, gets an underscore behind it, or a letter before: `this_`, `v_this`.
 */
export function localNames(
  count: number,
  parameters: number,
  names: ReadonlyMap<number, string> | null,
): string[] {
  const used = new Set<string>();
  return Array.from({ length: count }, (_, index) => {
    const given = names?.get(index);
    // asc tells equal names apart by a number: `at|7`.
    const name = given?.replace(/\W/g, "_") ?? "";
    if (!/^_*[A-Za-z]/.test(name)) return plainName(index, parameters);
    // An underscore behind it makes no other beginning.
    let own = /^(?:_|wasm_)/.test(name) ? `v${name}` : name;
    while (used.has(own) || isTaken(own)) own += "_";
    used.add(own);
    return own;
  });
}
