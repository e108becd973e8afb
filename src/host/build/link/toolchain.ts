// The C compiler and the linker: which flags, and why.

import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";

import type { CpuLevel } from "../../base/cpu-level.js";
import { packageRoot } from "../../base/package-root.js";
import type { NullPage } from "../lower/linear-memory.js";
import { Cache, type Entry } from "../../cache/cache.js";
import { KINDS } from "../../cache/kinds.js";
import { digest, digestFolder, entryName } from "../../cache/stage-cache.js";
import { ask, run } from "./tool.js";

export type HypercallMode = "page" | "direct";

const boot = join(packageRoot, "boot");
const linker = join(packageRoot, "linker");
const wasmRuntime = join(packageRoot, "runtime", "wasm");
const wasiRuntime = join(packageRoot, "runtime", "wasi");

/** For the lowered C; the guest asks its CPU before any of that runs (runtime/wasm/cpu_level.c). */
export function cpuFlags(cpu: CpuLevel): string[] {
  return cpu === "x86-64" ? [] : [`-march=${cpu}`, "-mtune=generic"];
}

/** What C that enters Xen directly has to know about it. */
export function modeFlags(hypercall: HypercallMode): string[] {
  return hypercall === "direct" ? ["-DXENLET_HYPERCALL_DIRECT"] : [];
}

/** STACK_SIZE and KERNEL_PT_PAGES of boot/layout.h. */
const DEFAULT_STACK_BYTES = 2 ** 20;
const DEFAULT_PAGE_TABLES = 8;
const PAGE_TABLE_REACH = 2 ** 21;

/**
 * What of boot/layout.h depends on the guest: its stack, and page tables for so much as its objects can come to (which
 * linear memory's are no part of: they have tables of their own). Nothing, mostly: then boot/'s objects are the same.
 */
export function layoutFlags(stackBytes = DEFAULT_STACK_BYTES, objectBytes = 0): string[] {
  const tables = Math.ceil((objectBytes + stackBytes) / PAGE_TABLE_REACH) + 1;
  return [
    ...(stackBytes === DEFAULT_STACK_BYTES ? [] : [`-DSTACK_SIZE=${stackBytes}`]),
    ...(tables <= DEFAULT_PAGE_TABLES ? [] : [`-DKERNEL_PT_PAGES=${tables}`]),
  ];
}

/** What every C and assembly file of an image is compiled with. */
export function commonFlags(hypercall: HypercallMode): string[] {
  return [
    "-O2",
    "-std=gnu11",
    "-ffreestanding",
    "-fno-builtin", // our memcpy must not become a call of itself; lowered C names builtins where it wants them
    "-fno-pic",
    "-fno-pie",
    "-mcmodel=kernel", // linked at -2 GiB
    "-mno-red-zone", // an upcall runs on the stack it finds, and a hypercall is a `call` in an asm
    "-fno-delete-null-pointer-checks", // Wasm's memory begins at address 0
    "-fno-stack-protector",
    "-fstack-clash-protection", // no frame jumps over a guard page
    "-fno-omit-frame-pointer", // backtraces
    "-fno-optimize-sibling-calls", // with every caller in them; and Wasm's stack exhaustion is one
    "-fno-asynchronous-unwind-tables",
    "-fcf-protection=none",
    "-fno-ipa-icf", // equal functions stay apart, or a trap would be told of the wrong one
    "-ffunction-sections",
    "-fdata-sections",
    "-g1", // addresses to functions, inlined ones included
    `-ffile-prefix-map=${packageRoot}=xenlet`,
    "-nostdinc",
    "-I",
    boot,
    "-I",
    wasmRuntime,
    "-I",
    wasiRuntime,
    ...modeFlags(hypercall),
  ];
}

/** For our own C: small, since each part runs once; no floating point, since a trap must not touch the guest's. */
export const bootFlags = [
  "-Os",
  "-mgeneral-regs-only",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-Wa,--fatal-warnings",
];

/** For what the module is lowered to. What may alias what, runtime/wasm/memory.h says. */
export const loweredFlags = [
  "-fno-math-errno",
  "-fsignaling-nans", // x * 1 is x, except that a signalling NaN becomes quiet
  "-ffp-contract=off", // Wasm rounds after each operation
  // A load may trap, which to gcc is an exception, and then it stays even if nothing uses its result. Everything else
  // that can be done with loads still is: equal ones become one, and loops become vectors.
  "-fexceptions",
  "-fnon-call-exceptions",
  "-fno-delete-dead-exceptions",
  // gcc's analysis of what a pointer points to takes the result of a comparison for no address, and a store there for none.
  "-fno-tree-pta",
  "-Wno-builtin-declaration-mismatch",
  // Of equal code one place would be left, and a trap there be told with one line for all.
  "-fno-crossjumping",
  "-fno-tree-tail-merge",
  "-fno-partial-inlining", // the call of the part that is left has a line of any place
];

/** For a function so large that gcc's passes, whose time grows faster than it, would take minutes; and for a quick build. */
export const quickFlags = ["-O1"];

/** For a build to be debugged. With -Og most variables are "optimized out" at most lines. */
export const debugFlags = ["-O0", "-g"];

/** For a build that may drop loads whose results are unused. */
export const dropDeadLoadFlags = ["-fno-non-call-exceptions"];

/** boot/ and runtime/: the same objects for every guest of one mode, but for the module's own runtime. */
const fixedSources = [
  ...[
    "start.S",
    "traps.S",
    "hypercall.S",
    "main.c",
    "traps.c",
    "hypercall.c",
    "run_block.c",
    "start_info.c",
    "random.c",
    "memory.c",
    "shared_info.c",
    "record.c",
    "clock.c",
    "input.c",
    "console.c",
    "vcpu.c",
    "vcpu-program.c",
    "events.c",
    "kexec.S",
    "kexec.c",
    "crash.c",
  ].map((file) => join(boot, file)),
  join(wasmRuntime, "string.c"),
  join(wasmRuntime, "math.c"),
  join(wasmRuntime, "runtime.c"),
  join(wasmRuntime, "foreign.c"),
  join(wasmRuntime, "cpu_level.c"),
  join(wasiRuntime, "wasi.c"),
  join(wasiRuntime, "wasi-fd.c"),
];

function flagsFor(source: string, hypercall: HypercallMode): string[] {
  if (basename(source) === "math.c")
    return [...commonFlags(hypercall), "-Wall", "-Wextra", "-Werror"];
  return [...commonFlags(hypercall), ...bootFlags];
}

let gccInclude: Promise<string> | undefined;

/** gcc's own headers (stdint.h and the like): all that is used of the build machine. */
async function compilerInclude(): Promise<string> {
  gccInclude ??= ask("gcc", "-print-file-name=include").then((output) => output.trim());
  return gccInclude;
}

/** Compiles one C or assembly file. Throws BuildError with gcc's own diagnostics. */
export async function compileC(
  source: string,
  object: string,
  flags: string[],
  signal?: AbortSignal,
  cwd?: string,
): Promise<void> {
  await run(
    "gcc",
    [...flags, "-isystem", await compilerInclude(), "-c", source, "-o", object],
    signal,
    cwd,
  );
}

/** Of what turns C into objects: compiler, assembler, and the headers and sources of boot/, linker/ and runtime/. */
export async function digestOfToolchain(): Promise<string> {
  return digest(await digestOfCompiler(), digestOfSources());
}

function digestOfSources(): string {
  return digest(...[boot, linker, wasmRuntime, wasiRuntime].map((folder) => digestFolder(folder)));
}

let ofCompiler: Promise<string> | undefined;

/** Asked once in a process: each of the three that answer takes as long as linking an image. */
export async function digestOfCompiler(): Promise<string> {
  ofCompiler ??= askCompiler().catch((error: unknown) => {
    ofCompiler = undefined;
    throw error;
  });
  return ofCompiler;
}

async function askCompiler(): Promise<string> {
  return digest(
    ...(await Promise.all([ask("gcc", "-v"), ask("as", "--version"), compilerInclude()])),
  );
}

export interface FixedObjectsOptions {
  /** More flags, for all of them. */
  flags?: string[];
  signal?: AbortSignal;
  /** Where to keep them. If not given: the user's, and what the package brings along need not be made. */
  cache?: Cache;
}

const objectName = (source: string): string => `${basename(source)}.o`;

/**
 * The objects of boot/ and runtime/ for that mode: those that the package brings along, else compiled once and kept in
 * the cache by what they are made from (sources, flags, compiler), so that a build only compiles the guest.
 */
export async function fixedObjects(
  hypercall: HypercallMode,
  options: FixedObjectsOptions = {},
): Promise<string[]> {
  const { flags = [], cache } = options;
  const name = nameOfFixedObjects(hypercall, flags);
  const shipped = cache === undefined ? await new Cache().shipped(KINDS.bootObjects, name) : null;
  const { tree } = shipped ?? (await compileFixedObjects(hypercall, options));
  return fixedSources.map((source) => join(tree, objectName(source)));
}

/** By sources and flags alone: what the package brings along does for every compiler and in every folder. */
export function nameOfFixedObjects(hypercall: HypercallMode, flags: string[] = []): string {
  const all = fixedSources.map((source) => [...flagsFor(source, hypercall), ...flags]);
  const text = JSON.stringify(all).replaceAll(packageRoot, "");
  return entryName(digest(digestOfSources(), text));
}

/** The entry of the cache that holds them, compiled by this machine's gcc. */
export async function compileFixedObjects(
  hypercall: HypercallMode,
  { flags = [], signal, cache = new Cache() }: FixedObjectsOptions = {},
): Promise<Entry> {
  const flagsOf = (source: string): string[] => [...flagsFor(source, hypercall), ...flags];
  const key = digest(await digestOfToolchain(), JSON.stringify(fixedSources.map(flagsOf)));
  return cache.provide(
    KINDS.bootObjects,
    entryName(key),
    async (at) => {
      const results = await Promise.allSettled(
        fixedSources.map((source) =>
          // The folder that it runs in goes into gdb's information.
          compileC(source, join(at.tree, objectName(source)), flagsOf(source), signal, packageRoot),
        ),
      );
      // Only when every compiler has ended may the cache remove what they wrote to.
      for (const result of results) if (result.status === "rejected") throw result.reason;
      return undefined;
    },
    { signal },
  );
}

export interface LinkOptions {
  hypercall: HypercallMode;
  nullPage: NullPage;
  /** Where the link script goes. */
  folder: string;
  /** More flags for the link script's preprocessor. */
  flags?: string[];
  signal?: AbortSignal;
}

/** By what they are made from: in one process, guests have one or two of them. */
const linkScripts = new Map<string, string>();

/** linker/pvh.lds.S, preprocessed. */
async function linkScript(defines: string[], signal?: AbortSignal): Promise<string> {
  const key = digest(digestOfSources(), ...defines);
  let text = linkScripts.get(key);
  if (text === undefined) {
    const source = join(linker, "pvh.lds.S");
    const words = ["-E", "-P", "-x", "assembler-with-cpp", ...defines, "-I", boot, source];
    text = await run("gcc", words, signal);
    linkScripts.set(key, text);
  }
  return text;
}

/** Links an image. Throws BuildError with ld's own diagnostics; a warning is an error. */
export async function link(
  objects: string[],
  output: string,
  { hypercall, nullPage, folder, flags = [], signal }: LinkOptions,
): Promise<void> {
  const script = join(folder, "pvh.lds");
  const defines = [
    ...modeFlags(hypercall),
    ...(nullPage === "allow" ? ["-DXENLET_PAGE_ZERO"] : []),
    ...flags,
  ];
  await writeFile(script, await linkScript(defines, signal));
  await run(
    "ld",
    [
      "-m",
      "elf_x86_64",
      "-n", // segments packed in the file, which is never mapped
      "-static",
      "--gc-sections",
      "--build-id=none",
      "--fatal-warnings",
      "-z",
      "noexecstack",
      "-T",
      script,
      "-Map",
      join(folder, "image.map"),
      "-o",
      output,
      ...objects,
    ],
    signal,
  );
}
