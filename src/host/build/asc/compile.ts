// AssemblyScript to Wasm: asc, with the guest runtime as part of its standard library.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, relative, resolve } from "node:path";

import type { Optimize } from "../optimize.js";
import { UserError } from "../../base/errors.js";
import { CompileCache, digestOfCompiler } from "./compile-cache.js";
import { compilerFor, ownCompiler } from "./compiler.js";
import { configuredTransforms, findConfig, OWN_CONFIG } from "./config.js";
import { EPILOGUE, globals, PROLOGUE, runtimeLibrary, virtualFiles } from "./library.js";
import { LIBRARY_LOOK, type CompileResult, type Look } from "./job.js";
import { compileInThread } from "./thread.js";
import { given } from "../../base/given.js";

export interface CompileOptions {
  /** The guest's file; imports are looked up from its folder. */
  entry: string;
  /** asc transforms, by path or package name, as for asc's --transform. */
  transforms?: string[];
  /** AssemblyScript's allocator and collector; if not given, asconfig.json's, else incremental. */
  runtime?: GuestRuntime;
  /** Default: `full`, which is what asconfig.json says of it. */
  optimize?: Optimize;
  /** Leaves functions and variables as they were written. */
  debug?: boolean;
  /** Whether an equal compilation's result may be taken from the cache; default true. */
  cache?: boolean;
  /** For tests: the function of the collector that looks at the shadow stack. */
  collectorStep?: string;
  /** Called with the files that it depends on, absolute, as soon as they are known; some need not exist. */
  onSources?(files: string[]): void;
  /** Ends it at once; it then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/**
 * incremental: collects as it goes; minimal: collects when told to (__collect); stub: never frees, and is the
 * smallest.
 */
export type GuestRuntime = "incremental" | "minimal" | "stub";

/** Over what asconfig.json says: Binaryen's optimiser would rename locals, and share them. */
const UNOPTIMIZED = ["--optimizeLevel", "0", "--shrinkLevel", "0"];

/** Characters that asc, or the source map that it writes, cannot have in a file's name. */
const NOT_IN_NAMES: readonly [pattern: RegExp, what: string][] = [
  [/\\/, "a backslash"],
  [/"/, "a quotation mark"],
  [/[\0-\x1f\x7f]/, "a control character"],
];

/** Throws a UserError for a file that asc cannot compile, whatever is in it. */
export function checkEntryName(entry: string): void {
  const found = NOT_IN_NAMES.find(([pattern]) => pattern.test(basename(entry)));
  if (found !== undefined)
    throw new UserError(
      `${JSON.stringify(entry)} has ${found[1]} in its name, which asc does not accept: rename it`,
    );
}

/** Compiles a guest, or takes what an equal compilation made. Throws BuildError with asc's own diagnostics. */
export async function compileGuest(options: CompileOptions): Promise<CompileResult> {
  const entry = resolve(options.entry);
  if (!existsSync(entry)) throw new UserError(`cannot read ${options.entry}: no such file`);
  checkEntryName(options.entry);
  const folder = dirname(entry);
  const library = await runtimeLibrary();
  const config = findConfig(entry) ?? OWN_CONFIG;
  const transforms = options.transforms ?? [];
  options.onSources?.([entry, config, ...transforms.map((file) => resolve(file))]);
  const onLooks = (looks: readonly Look[]): void => {
    const files = looks.map(([name]) => name).filter((name) => !name.startsWith(LIBRARY_LOOK));
    options.onSources?.(files.map((file) => resolve(folder, file)));
  };
  const loaded = [...transforms, ...(await configuredTransforms(config))];
  const compiler =
    loaded.length === 0 ? ownCompiler() : compilerFor(loaded, [process.cwd(), folder]);
  const args = [
    `./${PROLOGUE}.ts`,
    `./${basename(entry)}`, // not an option, whatever its name
    `./${EPILOGUE}.ts`,
    "--outFile",
    "guest.wasm",
    "--sourceMap",
    "--debug", // names, for backtraces
    "--noColors", // where CI is in the environment, asc colours what it writes into memory
    "--exportStart",
    "_start",
    "--memoryBase",
    "4096", // page 0 is not there: a null dereference traps
    "--use",
    globals,
    ...(options.runtime === undefined ? [] : ["--runtime", options.runtime]),
    ...(options.debug === true
      ? UNOPTIMIZED
      : options.optimize === "quick"
        ? ["--optimizeLevel", "1", "--shrinkLevel", "0"]
        : []),
  ];
  const cache = await CompileCache.open(
    entry,
    [
      JSON.stringify([args, [...virtualFiles]]),
      config === OWN_CONFIG ? "" : relative(folder, config),
      await readFile(OWN_CONFIG, "utf8"),
    ],
    library,
  );
  // What a transform reads is unknown.
  const mayCache = options.cache !== false && transforms.length === 0;
  const found = mayCache ? await cache.find() : null;
  if (found) {
    const { looks, ...result } = found;
    onLooks(looks);
    return result;
  }
  const { collectorStep, signal } = options;
  const compiled = await compileInThread(
    {
      compiler: compiler.folder,
      ...(loaded.length === 0 ? { mayCopy: await digestOfCompiler() } : {}),
      version: compiler.version,
      folder,
      args: [
        ...args,
        "--config",
        config,
        ...transforms.flatMap((transform) => ["--transform", transform]),
      ],
      library,
      virtualFiles,
      ...given({ collectorStep }),
    },
    { once: loaded.length > 0, onLooks, ...given({ signal }) },
  );
  if (mayCache) await cache.remember(compiled);
  const { wasm, sourceMap, tests } = compiled;
  return { wasm, sourceMap, tests };
}
