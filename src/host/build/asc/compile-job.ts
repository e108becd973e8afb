// One compilation by asc, in a thread of its own: see thread.ts.

import { readFile, readdir } from "node:fs/promises";
import { basename, dirname, join, normalize, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { UserError } from "../../base/errors.js";
import { packageRoot } from "../../base/package-root.js";
import { digest } from "../../cache/stage-cache.js";
import { reportingAllocators } from "./allocators.js";
import { guestConfig, isLibrarySource, OWN_CONFIG } from "./config.js";
import { withHelpOnce } from "./diagnostics.js";
import { LIBRARY_LOOK, type Job, type Look, type Outcome } from "./job.js";
import { quickCompiler } from "./quick-compiler.js";
import { publicApi } from "./transform/public-api.js";
import { leanShadowStack } from "./transform/shadow-stack.js";
import { skipPasses } from "./transform/skip-passes.js";
import { topLevelLines } from "./transform/top-level-lines.js";
import { testSites } from "./transform/test-sites.js";
import { given } from "../../base/given.js";

type Asc = typeof import("assemblyscript/asc");

/** asconfig.json's ways to bring in code that is not among the looks. */
const BEYOND = /"(?:transform|lib|path|extends)"/;

/** asc, or a transform, asked for the end of the process. */
class ExitAsked extends Error {
  override readonly name = "ExitAsked";
}

/** Never rejects for what a program, a configuration or a transform can do. */
export async function compileJob(job: Job): Promise<Outcome> {
  const said: string[] = [];
  const restore = catchExit(said);
  try {
    return await compile(job);
  } catch (error) {
    if (error instanceof UserError)
      return { type: "failed", message: error.message, ...given({ hint: error.hint }) };
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ERR_MODULE_NOT_FOUND" && message.includes("'assemblyscript'"))
      return {
        type: "failed",
        message: "a transform imports assemblyscript, which is not installed beside it",
        hint: `npm install --save-dev assemblyscript@${job.version}`,
      };
    return { type: "failed", ...describeFailure(error, said, job) };
  } finally {
    restore();
  }
}

/** asc ends its process when it crashes, behind a page of advice: that becomes an error of this job's. */
function catchExit(said: string[]): () => void {
  const { error, log } = console;
  const exit = process.exit.bind(process);
  console.error = (...words: unknown[]) => {
    said.push(words.map(String).join(" "));
  };
  // Results go to stdout, and this is none.
  console.log = (...words: unknown[]) => {
    process.stderr.write(`${words.map(String).join(" ")}\n`);
  };
  process.exit = (code) => {
    // Node's own, after an uncaught error: the thread ends, and the parent is told.
    if (new Error().stack?.includes("OnGlobalUncaughtException") === true) return exit(code);
    throw new ExitAsked(`process.exit(${String(code ?? 0)})`);
  };
  return () => {
    console.error = error;
    console.log = log;
    process.exit = exit;
  };
}

async function compile(job: Job): Promise<Outcome> {
  const compiler =
    job.mayCopy === undefined ? job.compiler : await quickCompiler(job.compiler, job.mayCopy);
  const module = async (file: string): Promise<unknown> =>
    import(pathToFileURL(join(compiler, file)).href);
  const asc = (await module("dist/asc.js")) as Asc;
  const assemblyscript = (await module(
    "dist/assemblyscript.js",
  )) as typeof import("assemblyscript");
  const { default: binaryen } = (await module("lib/binaryen.js")) as { default: unknown };
  const looks = new Looks(job.folder);
  const restore = replaceLibrary(asc.libraryFiles, job.library, looks);
  const outputs = new Map<string, string | Uint8Array>();
  const messages: string[] = [];
  const { sites, transform } = testSites(assemblyscript);
  const boundary = publicApi(assemblyscript, {
    folder: job.folder,
    ours: [...job.virtualFiles.keys()],
    names: [...job.library.keys()],
    libraryText: (name) => job.library.get(name) ?? "",
  });
  const skipped = skipPasses(binaryen);
  const stderr = asc.createMemoryStream();
  // One call for one message.
  stderr.write = (chunk) => void messages.push(String(chunk));
  try {
    const { error } = await asc.main([...job.args, "--baseDir", job.folder], {
      stdout: asc.createMemoryStream(),
      stderr,
      readFile: async (name, folder) => {
        const virtual = job.virtualFiles.get(normalize(name));
        if (virtual !== undefined) return virtual;
        const text = await looks.readFile(name, folder);
        // Everything but a source is a configuration.
        return text === null || name.endsWith(".ts")
          ? text
          : guestConfig(text, resolve(folder, name));
      },
      writeFile: (name, contents) => {
        outputs.set(basename(name), contents);
      },
      listFiles: async (name, folder) =>
        readdir(resolve(folder, name)).then(
          (names) => names.filter(isLibrarySource),
          () => null,
        ),
      transforms: [
        boundary,
        transform,
        topLevelLines(binaryen),
        leanShadowStack(binaryen, job.collectorStep),
        skipped,
      ],
    });
    // asc tells the number of its messages in an error without a stack.
    if (error && error.stack !== error.message) throw error;
    const wasm = outputs.get("guest.wasm");
    if (error || !(wasm instanceof Uint8Array))
      return { type: "refused", messages: withHelpOnce(messages), looks: looks.all() };
    return {
      type: "compiled",
      compiled: {
        wasm,
        sourceMap: String(outputs.get("guest.wasm.map") ?? ""),
        tests: sites,
        looks: looks.all(),
        complete: looks.complete,
      },
    };
  } finally {
    restore();
    skipped.restore();
  }
}

/** What asc looked for. */
class Looks {
  readonly #looks = new Map<string, string | null>();
  complete = true;

  constructor(private readonly folder: string) {}

  async readFile(name: string, baseFolder: string): Promise<string | null> {
    const path = resolve(baseFolder, name);
    const text = await readFile(path, "utf8").catch(() => null);
    if (path === OWN_CONFIG) return text; // it is among the compilation's options
    if (!name.endsWith(".ts") && text !== null && BEYOND.test(text)) this.complete = false;
    this.#looks.set(relative(this.folder, path), text === null ? null : digest(text));
    return text;
  }

  library(name: string, text: string): void {
    this.#looks.set(LIBRARY_LOOK + name, digest(text));
  }

  all(): Look[] {
    return [...this.#looks].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

/**
 * asc has one set of library files for all of a process: what a job, or its asconfig.json's "lib", puts there is
 * taken out again.
 */
function replaceLibrary(
  library: Record<string, string>,
  ours: ReadonlyMap<string, string>,
  looks: Looks,
): () => void {
  const before = { ...library };
  for (const [name, text] of reportingAllocators(library)) library[name] = text;
  for (const [name, text] of ours) {
    // asc reads what the program imports, and nothing else: the cache learns what that is.
    const get = (): string => {
      looks.library(name, text);
      return text;
    };
    Object.defineProperty(library, name, { get, enumerable: true, configurable: true });
  }
  return () => {
    for (const name of Object.keys(library)) Reflect.deleteProperty(library, name);
    Object.assign(library, before);
  };
}

/** A crash of asc's, or of a transform, in a sentence; with what of its stack is not asc's own. */
function describeFailure(
  error: unknown,
  said: readonly string[],
  job: Job,
): { message: string; hint?: string } {
  const transforms = job.args.includes("--transform");
  const hint = transforms
    ? "build without --transform: if that works, the transform is the cause"
    : undefined;
  if (error instanceof ExitAsked) {
    const crash = /has crashed during ([\w ()]+) :-\([^]*?^\W*(\w*Error\b.*)$([^]*)/m.exec(
      said.join("\n"),
    );
    if (crash === null)
      return {
        message: `a transform ended the compilation by ${error.message}`,
        ...given({ hint }),
      };
    const [, stage = "", what = "", stack = ""] = crash;
    return {
      message: [`asc crashed (${stage}): ${what}`, ...framesOf(stack, job.compiler)].join("\n"),
      ...given({ hint }),
    };
  }
  const { message, stack = "", name } = error instanceof Error ? error : new Error(String(error));
  // Its place is not in the stack of one that was imported.
  if (error instanceof SyntaxError) {
    const names = job.args.filter((_, at) => job.args[at - 1] === "--transform").join(", ");
    return { message: `cannot load a transform (${names || "asconfig.json"}): ${message}` };
  }
  const frames = framesOf(stack, job.compiler);
  const what = name === "Error" || message.startsWith(name) ? message : `${name}: ${message}`;
  return {
    message: [
      frames.length > 0 ? `a transform failed: ${what}` : `asc failed: ${what}`,
      ...frames,
    ].join("\n"),
    ...given({ hint }),
  };
}

const MOST_FRAMES = 3;

/** The frames in files that are neither Node's, nor the compiler's, nor this program's. */
function framesOf(stack: string, compiler: string): string[] {
  const notTheirs = [compiler, dirname(fileURLToPath(import.meta.url)), join(packageRoot, "dist")];
  return [...stack.matchAll(/^ *at (?:.*\()?(file:\/\/[^\s)]+?|\/[^\s)]+?):([\d:]+)\)?$/gm)]
    .map(([, file = "", place = ""]) => ({
      file: file.startsWith("file:") ? fileURLToPath(file) : file,
      place,
    }))
    .filter(
      ({ file }) =>
        !/\/node_modules\/(?:binaryen|assemblyscript)\//.test(file) &&
        !notTheirs.some((folder) => file.startsWith(folder + sep)),
    )
    .slice(0, MOST_FRAMES)
    .map(({ file, place }) => `    at ${file}:${place}`);
}
