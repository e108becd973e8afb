/** The image that a command's argument stands for: the file itself, or what its source builds. */
import { createHash } from "node:crypto";
import { open, stat } from "node:fs/promises";
import path from "node:path";
import { Cache } from "../cache/cache.js";
import { KINDS } from "../cache/kinds.js";
import { temporaryFolder } from "../cache/temporary.js";
import type { CpuLevel } from "../base/cpu-level.js";
import { UserError } from "../base/errors.js";
import { makeFolders } from "../base/folders.js";
import { buildImage, type BuildOptions, type BuildResult } from "../build/build.js";
import { checkEntryName, type GuestRuntime } from "../build/asc/compile.js";
import type { DeadLoads } from "../build/lower/lower.js";
import type { Optimize } from "../build/optimize.js";
import type { NullPage } from "../build/lower/linear-memory.js";
import type { Progress } from "../base/progress.js";
import { given } from "../base/given.js";

export interface BuildChoices {
  hypercall?: "page" | "direct";
  transform?: string[];
  runtime?: GuestRuntime;
  nullPage?: NullPage;
  deadLoads?: DeadLoads;
  cpu?: CpuLevel;
  stack?: number;
  debug?: boolean;
  allowHypercalls?: boolean;
}

const CHOICES: Record<keyof BuildChoices, string> = {
  hypercall: "--hypercall",
  transform: "--transform",
  runtime: "--runtime",
  nullPage: "--null-page",
  deadLoads: "--dead-loads",
  cpu: "--cpu",
  stack: "--stack",
  debug: "--debug",
  allowHypercalls: "--allow-hypercalls",
};

/**
 * What --transform and --runtime say is over when there is a module; the rest when there is an image, but for --cpu,
 * which is QEMU's, too.
 */
export function refuseChoices(
  file: string,
  choices: BuildChoices,
  done: "compiled" | "built",
): void {
  const late: (keyof BuildChoices)[] =
    done === "compiled"
      ? ["transform", "runtime"]
      : (Object.keys(CHOICES) as (keyof BuildChoices)[]).filter((choice) => choice !== "cpu");
  const vain = late.filter((choice) => choices[choice] !== undefined);
  if (vain.length > 0)
    throw new UserError(
      `${vain.map((choice) => CHOICES[choice]).join(", ")}: how a guest is ${done}, but ${file} is ${done} already`,
      { hint: `its source, FILE.ts, with ${CHOICES[vain[0] ?? "hypercall"]}` },
    );
}

export interface GuestImage {
  path: string;
  /** Null for an image that was there. */
  build: BuildResult | null;
  /** Removes what was made for this run only. */
  dispose(): Promise<void>;
}

/** Throws a UserError unless `file` is a file that can be read. */
export async function checkReadable(file: string, expected: string): Promise<void> {
  let reason: string | null = null;
  try {
    const handle = await open(file, "r");
    await handle.close();
    if (!(await stat(file)).isFile()) reason = "it is not a file";
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    reason = code === "ENOENT" || code === "ENOTDIR" ? "no such file" : message;
  }
  if (reason !== null) throw new UserError(`cannot read ${file}: ${reason}; expected ${expected}`);
}

/** Whether it is something to build an image from. */
export function isSource(file: string): boolean {
  return /\.(?:ts|wasm)$/.test(file);
}

export interface GuestImageOptions {
  progress: Progress;
  signal: AbortSignal;
  optimize?: Optimize;
  /** As buildImage() has it; an image's is itself. */
  onSources?(files: string[]): void;
}

/**
 * `file` is FILE.ts or FILE.wasm, which is built, or an image. With `keep` the image outlives
 * the command, under a name that depends on the source's path alone.
 */
export async function guestImage(
  file: string,
  choices: BuildChoices,
  options: GuestImageOptions & { keep: boolean },
): Promise<GuestImage> {
  if (!isSource(file)) {
    options.onSources?.([path.resolve(file)]);
    refuseChoices(file, choices, "built");
    return { path: file, build: null, dispose: () => Promise.resolve() };
  }
  if (file.endsWith(".wasm")) refuseChoices(file, choices, "compiled");
  const name = `${path.parse(file).name}.elf`;
  const { path: folder, dispose } = options.keep
    ? { path: await keptFolder(file), dispose: () => Promise.resolve() }
    : await temporaryFolder("run");
  try {
    const build = await buildWithProgress(
      { entry: file, output: path.join(folder, name) },
      choices,
      options,
    );
    return { path: build.image, build, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Builds, and shows it. */
export async function buildWithProgress(
  what: Pick<BuildOptions, "entry" | "output" | "strip" | "keep" | "cache" | "emit" | "cmdline">,
  choices: BuildChoices,
  options: GuestImageOptions,
): Promise<BuildResult> {
  const { progress, signal } = options;
  const name = path.basename(what.entry);
  if (name.endsWith(".ts")) checkEntryName(what.entry);
  progress.start(`building ${name}`);
  try {
    const build = await buildImage({
      ...what,
      signal,
      onSources: (files) => {
        options.onSources?.(files);
      },
      ...given({
        hypercall: choices.hypercall,
        transforms: choices.transform,
        runtime: choices.runtime,
        nullPage: choices.nullPage,
        deadLoads: choices.deadLoads,
        cpu: choices.cpu,
        optimize: options.optimize,
        stackBytes: choices.stack,
        debug: choices.debug,
        allowHypercalls: choices.allowHypercalls,
      }),
      onStage: (stage) => {
        progress.update(`building ${name}: ${stage}`);
      },
    });
    const ms = build.stages.reduce((sum, stage) => sum + stage.ms, 0);
    progress.done(
      `built ${name}: ${(build.bytes / 1024).toFixed(1)} KiB in ${(ms / 1000).toFixed(1)} s`,
    );
    return build;
  } catch (error) {
    progress.fail(`building ${name} failed`);
    throw error;
  }
}

/** A folder of the cache for what a source makes, by its path alone. */
export async function keptFolder(source: string): Promise<string> {
  const id = createHash("sha256").update(path.resolve(source)).digest("hex").slice(0, 16);
  const cache = new Cache();
  await cache.create(KINDS.images);
  await cache.enforceLimit(KINDS.images);
  const folder = path.join(cache.folderOf(KINDS.images), id);
  await makeFolders(folder);
  return folder;
}
