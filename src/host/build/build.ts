// A guest from source to image: compile, lower, link.

import { setMaxListeners } from "node:events";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { performance } from "node:perf_hooks";

import type { CpuLevel } from "../base/cpu-level.js";
import { UserError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { makeFolders } from "../base/folders.js";
import { PendingFiles } from "../base/pending-files.js";
import { explainFailure } from "../cache/damage.js";
import { temporaryFolder, type TemporaryFolder } from "../cache/temporary.js";
import { withRunBlock } from "../elf/run-block.js";
import { compileGuest, type GuestRuntime } from "./asc/compile.js";
import type { CompileResult } from "./asc/job.js";
import type { Optimize } from "./optimize.js";
import { emittedStages, type EmittedStage } from "./emit.js";
import { withoutSections } from "../elf/sections.js";
import { lower, type DeadLoads } from "./lower/lower.js";
import type { NullPage } from "./lower/linear-memory.js";
import type { TestSite } from "./asc/transform/test-sites.js";
import { fixedObjects, layoutFlags, link, type HypercallMode } from "./link/toolchain.js";
import { checkToolchain, run } from "./link/tool.js";
import { given } from "../base/given.js";

/** What buildImage() is given. */
export interface BuildOptions {
  /** The guest's AssemblyScript file, FILE.ts, or a Wasm module, FILE.wasm. */
  entry: string;
  /** Where the image goes. */
  output: string;
  /** How the guest enters Xen: by the instruction itself (default), or through the page that Xen writes. */
  hypercall?: HypercallMode;
  /** AssemblyScript's allocator and collector; if not given, asconfig.json's, else incremental. */
  runtime?: GuestRuntime;
  /** What is at address 0; default: nothing (`trap`) for FILE.ts, memory (`allow`) for other modules. */
  nullPage?: NullPage;
  /** What becomes of loads whose result is unused; default: they stay, since they may trap. */
  deadLoads?: DeadLoads;
  /** What the guest's code may use of its CPU, which is asked when it starts; default: what every x86-64 has. */
  cpu?: CpuLevel;
  /** Bytes of vCPU 0's stack, which the guest runs on: of 64 KiB to 64 MiB; default: 1 MiB. */
  stackBytes?: number;
  /** Whether FILE.wasm may import module "xen", and so do whatever its domain can; default: it may not. */
  allowHypercalls?: boolean;
  /** For a debugger: not optimized (asc's -O0, gcc's -O0 -g), and local variables have their names. Default: false. */
  debug?: boolean;
  /** Stages to leave beside the image, to be read: `image.elf` is joined by `image.wasm`, `image.c`, … */
  emit?: EmittedStage[];
  /** The guest's command line where its loader gives none: it is put into the image. */
  cmdline?: string;
  /** Leave out symbols and line numbers: smaller, but a trap is reported by address only. */
  strip?: boolean;
  /** asc transforms, by path or package name. */
  transforms?: string[];
  /** C files, or objects, that define the guest's imports of module "native": the twin of a benchmark, a test's probe. */
  native?: string[];
  /** A folder to leave the intermediate files in (Wasm, C, objects). */
  keep?: string;
  /** Whether stages whose inputs have not changed may be taken from the cache; default true. */
  cache?: boolean;
  /** How much time goes into making it fast; default: `full`. `quick` behaves the same, and is there sooner. */
  optimize?: Optimize;
  /** Called with the files that the guest is built from, absolute, as soon as they are known; some need not exist. */
  onSources?: (files: string[]) => void;
  signal?: AbortSignal;
  /** Called when a stage begins: "compile", "lower", "link". */
  onStage?: (stage: string) => void;
}

/** What buildImage() made. */
export interface BuildResult {
  image: string;
  /** The image file's size. */
  bytes: number;
  stages: { name: string; ms: number }[];
  /** Where the sources have tests. */
  tests: TestSite[];
}

/**
 * Builds a guest image. Throws BuildError with the compiler's own diagnostics. Unless everything has succeeded, an
 * older image under that name is as it was.
 */
export async function buildImage(options: BuildOptions): Promise<BuildResult> {
  const { hypercall = "direct", signal, cache = true } = options;
  checkToolchain();
  if (signal) setMaxListeners(0, signal); // one for each compiler that runs
  const stages: BuildResult["stages"] = [];
  const stage = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    signal?.throwIfAborted();
    options.onStage?.(name);
    const start = performance.now();
    const result = await work();
    stages.push({ name, ms: performance.now() - start });
    return result;
  };
  const work = await workFolder(options.keep);
  const folder = work.path;
  const pending = new PendingFiles();
  try {
    const fixedFor = (objectBytes: number): ReturnType<typeof fixedObjects> => {
      const flags = layoutFlags(options.stackBytes, objectBytes);
      return fixedObjects(hypercall, { flags, ...given({ signal }) });
    };
    const fixed = fixedFor(0);
    fixed.catch(() => undefined); // awaited below; a compile error comes first
    const { wasm, sourceMap, tests, own } = await stage("compile", () => compiled(options));
    await writeFile(join(folder, "guest.wasm.map"), sourceMap);
    const lowered = await stage("lower", () =>
      lower({
        wasm,
        own,
        sourceMap,
        hypercall,
        folder,
        native: options.native ?? [],
        cache,
        ...given({
          nullPage: options.nullPage,
          deadLoads: options.deadLoads,
          cpu: options.cpu,
          optimize: options.optimize,
          debug: options.debug,
          allowHypercalls: options.allowHypercalls,
          signal,
          onStage: options.onStage,
        }),
      }),
    );
    const linked = join(folder, "image.elf");
    await stage("link", async () => {
      await fixed; // the same with more page tables, if they are too few
      const bytes = await totalBytes(lowered.objects);
      await link([...(await fixedFor(bytes)), ...lowered.objects], linked, {
        hypercall,
        nullPage: lowered.nullPage,
        folder,
        flags: layoutFlags(options.stackBytes, bytes),
        ...given({ signal }),
      });
      if (options.strip) {
        await run("strip", ["--strip-all", linked], signal);
        await writeFile(linked, withoutSections(await readFile(linked)));
      }
    });
    const { cmdline, output } = options;
    const bytes = await readFile(linked);
    const image = cmdline === undefined ? bytes : withRunBlock(bytes, { cmdline });
    const emitted = await emittedStages(options.emit ?? [], folder, output, signal);
    signal?.throwIfAborted();
    await writeOutputs(pending, new Map([[output, image], ...emitted]), output);
    return { image: output, bytes: image.length, stages, tests };
  } catch (error) {
    // A tool that fails may have been given what is damaged in the cache.
    throw await explainFailure(error, signal);
  } finally {
    await pending.discard();
    await work.dispose();
  }
}

async function workFolder(keep: string | undefined): Promise<TemporaryFolder> {
  if (keep === undefined) return temporaryFolder("build");
  try {
    await makeFolders(keep);
    return { path: resolve(keep), dispose: () => Promise.resolve() };
  } catch (cause) {
    throw new UserError(`cannot create the folder ${keep}: ${(cause as Error).message}`, {
      exitCode: ExitCode.HOST,
      cause,
    });
  }
}

const IMAGE_MODE = 0o777;

async function writeOutputs(
  pending: PendingFiles,
  files: ReadonlyMap<string, string | Uint8Array>,
  image: string,
): Promise<void> {
  let current = image;
  try {
    for (const [file, data] of files) {
      current = file;
      await pending.add(file, data, file === image ? IMAGE_MODE : undefined);
    }
    await pending.commit();
  } catch (cause) {
    throw new UserError(`cannot write ${current}: ${(cause as Error).message}`, {
      exitCode: ExitCode.HOST,
      cause,
    });
  }
}

async function totalBytes(files: string[]): Promise<number> {
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function compiled({
  entry,
  transforms = [],
  runtime,
  optimize,
  debug,
  cache = true,
  signal,
  onSources,
}: BuildOptions): Promise<CompileResult & { own: boolean }> {
  if (entry.endsWith(".wasm")) {
    onSources?.([resolve(entry)]);
    return { wasm: await readFile(entry), sourceMap: "", tests: [], own: false };
  }
  const result = await compileGuest({
    entry,
    transforms,
    cache,
    ...given({ runtime, optimize, debug, onSources, signal }),
  });
  return { ...result, own: true };
}
