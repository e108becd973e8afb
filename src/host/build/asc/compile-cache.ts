// asc's results, kept by everything that it read.
//
// Which files a compilation reads is known only when it is done, so there are two steps. Under a key of what is
// known before (compiler, runtime library, options, the guest's own text) stand traces: each lists what one
// compilation looked for, what it found there (or that it found nothing: a file that appears changes what an
// import means), and under which key its result is. A trace holds if every look would have the same answer now.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";

import { KINDS } from "../../cache/kinds.js";
import { digest, loadStage, storeStage } from "../../cache/stage-cache.js";
import { LIBRARY_LOOK, type CompileResult, type Compiled, type Look } from "./job.js";
import { digestOfBuilder } from "../builder-digest.js";
import type { TestSite } from "./transform/test-sites.js";

/** How many of the last compilations of one text, with other files around it, are remembered. */
const MAX_TRACES = 8;

interface Trace {
  looks: Look[];
  result: string;
}

let compiler: Promise<string> | undefined;

/** Of the compiler itself, by its files' contents: they may have been edited. */
export async function digestOfCompiler(): Promise<string> {
  compiler ??= (async () => {
    const require = createRequire(import.meta.url);
    const asc = dirname(require.resolve("assemblyscript/dist/asc.js"));
    const binaryen = createRequire(join(asc, "asc.js")).resolve("binaryen");
    const files = [join(asc, "asc.js"), join(asc, "assemblyscript.js"), binaryen];
    return digest(...(await Promise.all(files.map((file) => readFile(file)))));
  })();
  return compiler;
}

const read = (path: string): Promise<string | null> => readFile(path, "utf8").catch(() => null);

/** One compilation, to be looked up, or remembered. */
export class CompileCache {
  readonly #folder: string;
  readonly #key: string;
  readonly #library: ReadonlyMap<string, string>;

  private constructor(folder: string, key: string, library: ReadonlyMap<string, string>) {
    this.#folder = folder;
    this.#key = key;
    this.#library = library;
  }

  /**
   * `known`: everything that decides about the result, but for what the compilation looks for: files, and texts of
   * `library`.
   */
  static async open(
    entry: string,
    known: string[],
    library: ReadonlyMap<string, string>,
  ): Promise<CompileCache> {
    const key = digest(
      await digestOfCompiler(),
      digestOfBuilder(),
      (await read(entry)) ?? "",
      ...known,
      ...[...library.keys()].sort(),
    );
    return new CompileCache(dirname(entry), key, library);
  }

  async #now(path: string): Promise<string | null> {
    const text = path.startsWith(LIBRARY_LOOK)
      ? (this.#library.get(path.slice(LIBRARY_LOOK.length)) ?? null)
      : await read(resolve(this.#folder, path));
    return text === null ? null : digest(text);
  }

  async #traces(): Promise<Trace[]> {
    const files = await loadStage(KINDS.traces, this.#key);
    return files === null
      ? []
      : (JSON.parse(Buffer.from(files["traces"] ?? "[]").toString()) as Trace[]);
  }

  async #holds(trace: Trace): Promise<boolean> {
    for (const [path, expected] of trace.looks)
      if ((await this.#now(path)) !== expected) return false;
    return true;
  }

  /** The result of an equal compilation, with what it looked for; or null. */
  async find(): Promise<(CompileResult & Pick<Compiled, "looks">) | null> {
    for (const trace of await this.#traces()) {
      if (!(await this.#holds(trace))) continue;
      const files = await loadStage(KINDS.compiled, trace.result);
      const { wasm, sourceMap, tests } = files ?? {};
      if (wasm === undefined || sourceMap === undefined || tests === undefined) continue;
      return {
        looks: trace.looks,
        wasm,
        sourceMap: Buffer.from(sourceMap).toString(),
        tests: JSON.parse(Buffer.from(tests).toString()) as TestSite[],
      };
    }
    return null;
  }

  async remember({ wasm, sourceMap, tests, looks, complete }: Compiled): Promise<void> {
    if (!complete) return;
    const trace: Trace = { looks, result: digest(this.#key, JSON.stringify(looks)) };
    await storeStage(KINDS.compiled, trace.result, {
      wasm,
      sourceMap: Buffer.from(sourceMap),
      tests: Buffer.from(JSON.stringify(tests)),
    });
    const others = (await this.#traces()).filter((other) => other.result !== trace.result);
    const traces = [trace, ...others].slice(0, MAX_TRACES);
    await storeStage(KINDS.traces, this.#key, { traces: Buffer.from(JSON.stringify(traces)) });
  }
}
