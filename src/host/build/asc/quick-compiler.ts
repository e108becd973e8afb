// The compiler's package with Binaryen's WebAssembly module in a file of its own.
//
// Binaryen's package is one JavaScript file of 13 MB that has the module as a template literal: to parse and decode it
// takes three quarters of the time in which asc is loaded, 1.2 s of each command that compiles something. So a copy is
// kept in the cache in which that literal is a file. Transforms of the user's import the compiler themselves, and what
// they import must be what compiles: for those the package itself is used.

import { existsSync } from "node:fs";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { runInNewContext } from "node:vm";

import { Cache } from "../../cache/cache.js";
import { KINDS } from "../../cache/kinds.js";

/** What is used of it: the types for Node leave it to those of a browser. */
declare const WebAssembly: { validate(module: Uint8Array): boolean };

/** What of the packages a compilation loads. */
const COMPILER_FILES = [
  "package.json",
  "LICENSE",
  "dist/asc.js",
  "dist/assemblyscript.js",
  "lib/binaryen.js",
];

/** The literal's beginning in the package's text: a module's magic number, its zero byte escaped. */
const LITERAL = "`\\0asm";

/**
 * The folder of a copy of `compiler`, a folder of AssemblyScript's package whose files have the digest `name`: it does
 * the same, and is loaded in a third of the time. `compiler` itself where there can be none: with a Binaryen of another
 * form, or a cache that cannot be written.
 */
export async function quickCompiler(compiler: string, name: string): Promise<string> {
  const made = new Cache().provide(KINDS.compilers, name, async ({ tree }) => {
    await copyCompiler(compiler, join(tree, "node_modules"));
    return undefined;
  });
  return made.then(
    (entry) => join(entry.tree, "node_modules/assemblyscript"),
    () => compiler,
  );
}

async function copyCompiler(compiler: string, to: string): Promise<void> {
  const { resolve } = createRequire(join(compiler, "dist/asc.js"));
  const binaryen = separate(await readFile(resolve("binaryen"), "utf8"));
  for (const file of COMPILER_FILES)
    await cp(join(compiler, file), join(to, "assemblyscript", file), { recursive: true });
  await cp(packageOf(resolve("long")), join(to, "long"), { recursive: true });
  const folder = join(to, "binaryen");
  await mkdir(folder, { recursive: true });
  for (const file of ["package.json", "LICENSE"])
    await cp(join(packageOf(resolve("binaryen")), file), join(folder, file));
  await writeFile(join(folder, "index.js"), binaryen.text);
  await writeFile(join(folder, "binaryen.wasm"), binaryen.module);
}

/** The folder of the package that has this file. */
function packageOf(file: string): string {
  const folder = dirname(file);
  return existsSync(join(folder, "package.json")) ? folder : packageOf(folder);
}

/** Binaryen's JavaScript, with its module as a file beside it. Throws for a text that has no such module. */
export function separate(source: string): { text: string; module: Uint8Array<ArrayBuffer> } {
  const begin = source.indexOf(LITERAL);
  const end = begin < 0 ? -1 : endOfTemplate(source, begin);
  // Emscripten's decoder takes the literal as its only argument: NAME(`…`).
  const decoder = /[\w$]+\($/.exec(source.slice(0, Math.max(begin, 0)));
  if (end < 0 || decoder === null || source[end] !== ")")
    throw new Error("Binaryen's module is not where it is looked for");
  const module = decode(runInNewContext(source.slice(begin, end)) as string);
  if (!WebAssembly.validate(module))
    throw new Error("Binaryen's module is not read as it is encoded");
  return {
    text: [
      'import { readFileSync as readModule } from "node:fs";\n',
      source.slice(0, decoder.index),
      'new Uint8Array(readModule(new URL("./binaryen.wasm", import.meta.url)))',
      source.slice(end + 1),
    ].join(""),
    module,
  };
}

/** The index behind the template literal that begins at `begin`; -1 if it does not end. */
function endOfTemplate(source: string, begin: number): number {
  for (let at = begin + 1; at < source.length; at++) {
    if (source[at] === "\\") at++;
    else if (source[at] === "`") return at + 1;
  }
  return -1;
}

/** As Emscripten encodes it: a character for each byte, 0x100 for one of zero. */
function decode(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    bytes[at] = ~(code >> 8) & code;
  }
  return bytes;
}
