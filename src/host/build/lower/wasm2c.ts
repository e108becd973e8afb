// Wasm to C: wabt's wasm2c, without the header that it writes at the top of every file.

import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

import { BuildError } from "../build-error.js";
import { EmscriptenTool } from "./emscripten.js";
import { digest } from "../../cache/stage-cache.js";

const path = createRequire(import.meta.url).resolve("wabt/bin/wasm2c");

/** What the lowering accepts beyond wasm2c's defaults; wasm.ts refuses the rest before it comes here. */
const FEATURES = ["--disable-simd", "--enable-tail-call", "--enable-extended-const"];

/** Of wabt 1.0.39: which operations there are, and what they are called, is what runtime/wasm/wasm-ops.h was written to. */
const HEADER_DIGEST = "4b94fab471020d84983e9d678e2e34b2d6ca1229cba783d01477b75e7b397ea8";
/** The header's last definition is made twice, for two compilers. */
const HEADER_END = /#define WEAK_FUNC_DECL\(func, fallback\)(?:.*\\\n)+.*\n#endif\n/;

let tool: Promise<EmscriptenTool> | undefined;

/** Of the program, for the cache's keys. */
export async function digestOfWasm2c(): Promise<string> {
  return digest(await readFile(path));
}

/**
 * Writes `<name>.c` and `<name>.h` for `<name>.wasm` in that folder; every symbol in them begins with the name.
 * Throws BuildError for a module that is not valid.
 */
export async function wasm2c(folder: string, name: string): Promise<{ c: string; header: string }> {
  tool ??= EmscriptenTool.load(path);
  const file = (suffix: string): string => join(folder, name + suffix);
  const { status, output } = await (
    await tool
  ).run([file(".wasm"), "-n", name, "-o", file(".c"), ...FEATURES]);
  if (status !== 0)
    throw new BuildError(
      `the Wasm module is not valid: ${withoutColour(output).replaceAll(file(".wasm:"), "")}`,
    );
  const c = withTailCallsMended(withOwnOperations(await readFile(file(".c"), "utf8"), name));
  await writeFile(file(".c"), c);
  return { c, header: await readFile(file(".h"), "utf8") };
}

/** Puts runtime/wasm/wasm-ops.h in the place of what wasm2c itself takes its operations to be. */
function withOwnOperations(c: string, name: string): string {
  const end = HEADER_END.exec(c);
  const header = c.slice(0, (end?.index ?? 0) + (end?.[0].length ?? 0));
  const known = header
    .replace(`#include "${name}.h"\n`, "")
    .replace(/#define IS_SINGLE_UNSHARED_MEMORY \d\n/, "");
  if (digest(known) !== HEADER_DIGEST)
    throw new BuildError(
      "the installed wabt is not the one that runtime/wasm/wasm-ops.h was written for",
      {
        hint: "install the version that xenlet's package.json names",
      },
    );
  return `#include "wasm-ops.h"\n#include "${name}.h"\n${c.slice(header.length)}`;
}

/**
 * Three faults of wabt 1.0.39 where there are tail calls, all found by test/fuzz. In a function that is called by
 * one, the declarations of the stack's variables stand in the middle of the first local's: `u32   u32 var_i0;` and
 * `var_l0 = 0;`. A tail call to a function of the module's own leaves it without its instance. And where the stack has
 * more on it than the call's arguments, the call's results are left above that, and what is below is returned.
 */
function withTailCallsMended(c: string): string {
  return withResultsMoved(c)
    .replace(/^ {2}(\w+) ((?: {2}\w+ var_[\w,\s]+;\n)+)(var_\w+ = )/gm, "$2  $1 $3")
    .replace(/^( *)void \*instance_ptr_storage;$/gm, "$1void *instance_ptr_storage = instance;");
}

/**
 * A return that has to move its results says so in the line of its goto; a goto alone, behind a call, is a tail call's,
 * or has its results in place already. Which variables are returned, the function's end says, in their order. A
 * function that makes tail calls is there twice, the second time to be called by one; others are left as they are.
 */
function withResultsMoved(c: string): string {
  const lines = c.split("\n");
  const indentOf = (line = ""): number => line.search(/\S|$/);
  const begins = /^(?:[\w* ]+ )?(?:wasm_tailcall_)?(w2c_\w+)\(.*\) \{$/;
  const withTailCalls = new Set(
    lines.flatMap((line) =>
      line.startsWith("void wasm_tailcall_") ? (begins.exec(line)?.[1] ?? []) : [],
    ),
  );
  let inside = "";
  return lines
    .map((line, at) => {
      inside = begins.exec(line)?.[1] ?? inside;
      if (line.trim() !== "goto var_Bfunc;" || !withTailCalls.has(inside)) return line;
      const last = lastResult(lines, at, indentOf);
      const end = lines.indexOf("  var_Bfunc:;", at);
      const close = lines.indexOf("}", end);
      const returned = lines
        .slice(end, close)
        .flatMap((one) => /^ *(?:return|tmp(?:\.\w+)? =) var_([a-z])(\d+);$/.exec(one)?.[1] ?? []);
      if (last === null || returned.length === 0) return line;
      const below = last - (returned.length - 1);
      if (below <= 0) return line;
      const moves = returned.map(
        (type, index) => `var_${type}${String(index)} = var_${type}${String(below + index)};`,
      );
      return `${" ".repeat(indentOf(line))}${moves.join(" ")} goto var_Bfunc;`;
    })
    .join("\n");
}

/** The number of the last variable that the call before line `at` leaves a result in; null if there is no call. */
function lastResult(
  lines: string[],
  at: number,
  indentOf: (line?: string) => number,
): number | null {
  const indent = indentOf(lines[at]);
  const before = lines[at - 1] ?? "";
  const direct = /^ *var_[a-z](\d+) = w2c_\w+\(/.exec(before)?.[1];
  if (direct !== undefined) return Number(direct);
  if (before.trim() !== "}" || indentOf(before) !== indent) return null;
  let begin = at - 2;
  while (begin >= 0 && indentOf(lines[begin]) !== indent) begin--;
  // Several results are taken out of a structure; an indirect call asks first which kind of function it calls.
  const opening = lines[begin]?.trim();
  if (opening === "} else {") {
    let first = begin - 1;
    while (first >= 0 && (indentOf(lines[first]) !== indent || lines[first]?.startsWith("#")))
      first--;
    if (!/^if \(!.*func_tailcallee\.fn\) \{$/.test(lines[first]?.trim() ?? "")) return null;
  } else if (opening !== "{") return null;
  const taken = lines
    .slice(begin, at)
    .findLast((one) => /^ *var_[a-z]\d+ = tmp(?:\.\w+)?;$/.test(one));
  return taken === undefined ? null : Number(/var_[a-z](\d+)/.exec(taken)?.[1]);
}

function withoutColour(text: string): string {
  return text.replace(/\x1b\[\d*m/g, "").trim();
}
