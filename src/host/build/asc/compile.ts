// AssemblyScript to Wasm: asc, with the guest runtime as part of its standard library.

import { existsSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

import { packageRoot } from "../../base/package-root.js";
import { reportingAllocators } from "./allocators.js";
import { BuildError } from "../build-error.js";
import { CompileCache } from "./compile-cache.js";
import { publicApi } from "./transform/public-api.js";
import { leanShadowStack } from "./transform/shadow-stack.js";
import { testSites, type TestSite } from "./transform/test-sites.js";

export interface CompileResult {
  wasm: Uint8Array;
  /** The Wasm source map, as JSON. */
  sourceMap: string;
  /** Where the sources have tests, in the order of the files and lines. */
  tests: TestSite[];
}

export interface CompileOptions {
  /** The guest's file; imports and asconfig.json are looked up from its folder. */
  entry: string;
  /** asc transforms, by path or package name, as for asc's --transform. */
  transforms?: string[];
  /** AssemblyScript's allocator and collector; if not given, asconfig.json's, else incremental. */
  runtime?: GuestRuntime;
  /** Whether an equal compilation's result may be taken from the cache; default true. */
  cache?: boolean;
}

/**
 * incremental: collects as it goes; minimal: collects when told to (__collect); stub: never frees, and is the
 * smallest.
 */
export type GuestRuntime = "incremental" | "minimal" | "stub";

const librarySources = join(packageRoot, "src", "guest");
const PROLOGUE = "xenlet-prologue";
const EPILOGUE = "xenlet-epilogue";

/** Files that exist only for the compiler: what runs before and after the guest's own statements. */
const virtualFiles = new Map([
  [
    `${PROLOGUE}.ts`,
    'import { attach } from "xenlet/internal/start/runtime";\nimport "xenlet/internal/start/globals";\nimport "xenlet/internal/start/process";\nimport "xenlet/internal/loop/timers";\nattach();\n',
  ],
  [`${EPILOGUE}.ts`, 'import { finish } from "xenlet/internal/start/runtime";\nfinish();\n'],
]);

/** What a guest's program calls without an import: asc's own that need a machine, and JavaScript's. */
const globals = Object.entries({
  "xenlet/internal/start/globals": ["seed", "trace"],
  "xenlet/internal/start/process": ["process"],
  "xenlet/internal/loop/timers": ["setTimeout", "setInterval", "clearTimeout", "clearInterval"],
})
  .flatMap(([file, names]) => names.map((name) => `${name}=~lib/${file}/${name}`))
  .join(",");

/**
 * The guest runtime and the toolstack, by the names under which asc looks for library files: `xenlet/internal/sched/sched`,
 * `xenlet/toolstack/domain`, and `bindings/dom` and `bindings/node` in place of asc's own, so that console,
 * process, performance and Date are ours.
 */
async function runtimeLibrary(): Promise<Map<string, string>> {
  const named = async (folder: string, name: (file: string) => string) => {
    const files = await readdir(join(librarySources, folder), { recursive: true });
    return Promise.all(
      files
        .filter((file) => file.endsWith(".ts"))
        .map(async (file): Promise<[string, string]> => {
          const text = await readFile(join(librarySources, folder, file), "utf8");
          return [name(file.slice(0, -".ts".length)), text];
        }),
    );
  };
  return new Map([
    ...(await named("bindings", (file) => `bindings/${file}`)),
    ...(await named("xenlet", (file) => `xenlet/${file}`)),
    ...(await named("toolstack", (file) => `xenlet/toolstack/${file}`)),
  ]);
}

/** What was chosen for this build, and what asconfig.json leaves open, from this package's own. */
async function defaultOptions(folder: string, chosen: Record<string, string>): Promise<string[]> {
  const parse = async (file: string): Promise<Record<string, unknown>> => {
    const config = JSON.parse(await readFile(file, "utf8")) as {
      options?: Record<string, unknown>;
      targets?: { release?: Record<string, unknown> };
    };
    return { ...config.options, ...config.targets?.release };
  };
  const ours = await parse(join(packageRoot, "asconfig.json"));
  const own = join(folder, "asconfig.json");
  let theirs: Record<string, unknown> = {};
  if (existsSync(own)) {
    try {
      theirs = await parse(own);
    } catch (cause) {
      throw new BuildError(`${own} is not valid JSON: ${(cause as Error).message}`, { cause });
    }
  }
  return Object.entries({ ...ours, ...chosen })
    .filter(([key]) => key in chosen || !(key in theirs))
    .flatMap(([key, value]) =>
      value === true ? [`--${key}`] : value === false ? [] : [`--${key}`, String(value)],
    );
}

/** Compiles a guest, or takes what an equal compilation made. Throws BuildError with asc's own diagnostics. */
export async function compileGuest(options: CompileOptions): Promise<CompileResult> {
  const entry = resolve(options.entry);
  if (!existsSync(entry)) throw new BuildError(`${options.entry} is not there`);
  const library = await runtimeLibrary();
  const args = [
    `${PROLOGUE}.ts`,
    basename(entry),
    `${EPILOGUE}.ts`,
    "--outFile",
    "guest.wasm",
    "--sourceMap",
    "--debug", // names, for backtraces
    "--exportStart",
    "_start",
    "--memoryBase",
    "4096", // page 0 is not there: a null dereference traps
    "--use",
    globals,
    ...(await defaultOptions(
      dirname(entry),
      options.runtime === undefined ? {} : { runtime: options.runtime },
    )),
  ];
  const transforms = options.transforms ?? [];
  const cache = await CompileCache.open(
    entry,
    [args, [...virtualFiles]].map((part) => JSON.stringify(part)),
    library,
  );
  // What a transform reads, nobody knows.
  const mayCache = options.cache !== false && transforms.length === 0;
  const found = mayCache ? await cache.find() : null;
  if (found) return found;
  const flags = transforms.flatMap((transform) => ["--transform", transform]);
  const result = await oneAtATime(() =>
    runAsc(dirname(entry), [...args, ...flags], [...library.keys()], cache),
  );
  if (mayCache) await cache.remember(result);
  return result;
}

let last: Promise<unknown> = Promise.resolve();

/** asc keeps one set of library files for all of a process, and one thread runs it: nothing is lost by waiting. */
async function oneAtATime<T>(work: () => Promise<T>): Promise<T> {
  const mine = last.then(work);
  last = mine.catch(() => undefined);
  return mine;
}

async function runAsc(
  folder: string,
  args: string[],
  runtime: readonly string[],
  cache: CompileCache,
): Promise<CompileResult> {
  const asc = await import("assemblyscript/asc");
  const library = asc.libraryFiles;
  for (const [name, text] of reportingAllocators(library)) library[name] = text;
  for (const name of runtime) {
    // asc reads what the program imports, and nothing else: the cache learns what that is.
    const get = () => cache.libraryText(name);
    Object.defineProperty(library, name, { get, enumerable: true, configurable: true });
  }
  const known = new Set(Object.keys(library));
  const boundary = await publicApi({
    folder,
    ours: [...virtualFiles.keys()],
    names: runtime,
    libraryText: (name) => cache.libraryText(name),
  });

  const outputs = new Map<string, string | Uint8Array>();
  const messages = asc.createMemoryStream();
  const { sites, transform } = await testSites();
  const { error } = await asc.main([...args, "--baseDir", folder], {
    stdout: asc.createMemoryStream(),
    stderr: messages,
    readFile: async (name: string, baseDir: string) =>
      virtualFiles.get(name) ?? (await cache.readFile(name, baseDir)),
    writeFile: (name: string, contents: string | Uint8Array) => {
      outputs.set(basename(name), contents);
    },
    listFiles: async (name: string, baseDir: string) =>
      readdir(resolve(baseDir, name)).catch(() => null),
    transforms: [boundary, transform, await leanShadowStack()],
  });
  // What asconfig.json's "lib" brought in is this guest's alone.
  for (const name of Object.keys(library))
    if (!known.has(name)) Reflect.deleteProperty(library, name);
  const wasm = outputs.get("guest.wasm");
  if (error || !(wasm instanceof Uint8Array)) {
    throw new BuildError((messages.toString().trim() || error?.message) ?? "asc wrote no module", {
      cause: error,
    });
  }
  return { wasm, sourceMap: String(outputs.get("guest.wasm.map") ?? ""), tests: sites };
}
