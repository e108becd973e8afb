// Wasm to native objects: the one door behind which the lowering stands. It is our own Wasm to C (emit/), and gcc.

import { readFile, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";

import type { CpuLevel } from "../../base/cpu-level.js";
import { packageRoot } from "../../base/package-root.js";
import { KINDS } from "../../cache/kinds.js";
import { digest, loadStage, storeStage, type StageFiles } from "../../cache/stage-cache.js";
import {
  bootFlags,
  cpuFlags,
  commonFlags,
  compileC,
  debugFlags,
  digestOfToolchain,
  dropDeadLoadFlags,
  loweredFlags,
  quickFlags,
  type HypercallMode,
} from "../link/toolchain.js";
import type { Optimize } from "../optimize.js";
import { digestOfBuilder } from "../builder-digest.js";
import { C_SIZES, CFiles, isOneFile, type CPart, type CSizes } from "./c-files.js";
import { decodeModule } from "./decode/sections.js";
import { emitModule } from "./emit/module-text.js";
import { checkImports } from "./imports.js";
import { linearMemory, type NullPage } from "./linear-memory.js";
import { checkTables, entryOf } from "./program.js";

/** What becomes of a load whose result is unused. Wasm traps for it if it is out of bounds: that is `keep`. */
export type DeadLoads = "keep" | "drop";

export interface LowerOptions {
  wasm: Uint8Array;
  /**
   * Whether this process compiled it, with xenlet's runtime. Any other module is foreign, whatever it imports: nothing
   * is taken for granted of it, and it is told of by the C around it.
   */
  own: boolean;
  /** Which lines it comes from; default: unknown. */
  sourceMap?: string;
  hypercall: HypercallMode;
  /** Where intermediate files go. */
  folder: string;
  /** C files, or objects (.o), that define the imports of module "native". */
  native?: string[];
  /** Whether a foreign module may import module "xen"; default false. */
  allowHypercalls?: boolean;
  /** Default: `trap` for our own, `allow` for a foreign one. */
  nullPage?: NullPage;
  /** Default: `keep`. */
  deadLoads?: DeadLoads;
  /** Default: `x86-64`, which every CPU is. */
  cpu?: CpuLevel;
  /** Default: `full`. */
  optimize?: Optimize;
  /** For a debugger: not optimized, and variables have their names. Default: false. */
  debug?: boolean;
  /** How large its files of C get: smaller in tests. */
  cSizes?: CSizes;
  /** Whether an equal module's objects may be taken from the cache; default true. */
  cache?: boolean;
  signal?: AbortSignal;
  /** Is told when what follows takes long. */
  onStage?: (stage: string) => void;
}

export interface Lowered {
  /** For link(). */
  objects: string[];
  nullPage: NullPage;
}

/** What a lowering leaves for the next one of the same module, besides its objects: what --keep shows. */
const KEPT = ["guest.c", "declarations.h", "constants.h", "linear.bin", "linear.S"];
const PROLOGUE = '#include "lowered.h"\n#include "declarations.h"\n\n';

/**
 * Lowers a module to objects, or takes those that an equal module was lowered to. Throws BuildError if the module is
 * not valid, or asks for what a guest cannot have.
 */
export async function lower(options: LowerOptions): Promise<Lowered> {
  const { wasm, own, hypercall, folder, native = [], signal } = options;
  const file = (name: string): string => join(folder, name);
  const hypercalls = own || options.allowHypercalls === true;
  const nullPage = options.nullPage ?? (own ? "trap" : "allow");
  const deadLoads = options.deadLoads ?? "keep";
  const cpu = options.cpu ?? "x86-64";
  const optimize = options.optimize ?? "full";
  const cSizes = options.cSizes ?? C_SIZES;
  const debug = options.debug ?? false;
  await writeFile(file("guest.wasm"), wasm);
  const key = digest(
    wasm,
    JSON.stringify([
      own,
      hypercalls,
      native.length > 0,
      hypercall,
      nullPage,
      deadLoads,
      cpu,
      optimize,
      cSizes,
      debug,
    ]),
    options.sourceMap ?? "",
    await digestOfToolchain(),
    digestOfBuilder(),
  );
  const found = options.cache === false ? null : await loadStage(KINDS.lowered, key);
  let objects: string[];
  if (found) {
    for (const [name, bytes] of Object.entries(found)) await writeFile(file(name), bytes);
    objects = Object.keys(found).filter((name) => name.endsWith(".o"));
  } else {
    const all = { ...options, nullPage, deadLoads, cpu, cSizes, debug };
    objects = await lowered(all, hypercalls, file);
    const files: StageFiles = {};
    for (const name of [...objects, ...KEPT]) files[name] = await readFile(file(name));
    if (options.cache !== false) await storeStage(KINDS.lowered, key, files);
  }
  const flags = [
    ...guestFlags(hypercall, folder),
    ...loweredFlags,
    ...cpuFlags(cpu),
    "-fno-strict-aliasing", // it may touch linear memory by pointers of its own
    "-Wall",
    "-Wextra",
  ];
  const natives = native.map(async (source, index) => {
    if (source.endsWith(".o")) return source;
    const object = file(`native-${String(index)}.o`);
    await compileC(source, object, flags, signal); // always: what it includes is unknown
    return object;
  });
  return { objects: [...objects.map(file), ...(await Promise.all(natives))], nullPage };
}

/** Decodes, writes the C and compiles it; returns the objects' names. */
async function lowered(
  options: LowerOptions &
    Required<Pick<LowerOptions, "nullPage" | "deadLoads" | "cpu" | "cSizes" | "debug">>,
  hypercalls: boolean,
  file: (name: string) => string,
): Promise<string[]> {
  const { wasm, own, hypercall, folder, nullPage, cpu, signal } = options;
  const module = decodeModule(wasm);
  await checkImports(module, { native: (options.native ?? []).length > 0, hypercalls });
  const entry = entryOf(module);
  checkTables(module);
  const { image, assembly, copied } = linearMemory(module, nullPage, file("linear.bin"));
  const oneFile = isOneFile(module, options.cSizes);
  const c = new CFiles(folder, PROLOGUE, oneFile, options.cSizes);
  const emitted = {
    prefix: "wasm_",
    copied,
    oneFile,
    objectHeaders: own,
    localNames: options.debug,
    sourceMap: options.sourceMap ?? "",
  };
  const declarations = emitModule(module, emitted, entry, c);
  c.finish();
  await writeFile(file("declarations.h"), declarations);
  await writeFile(
    file("constants.h"),
    constants(module.memory?.minimum ?? 0, own, hypercalls, nullPage, cpu),
  );
  await writeFile(file("linear.bin"), image);
  await writeFile(file("linear.S"), assembly);
  const common = guestFlags(hypercall, folder);
  const dropped = options.deadLoads === "drop" ? dropDeadLoadFlags : [];
  const jobs: [source: string, object: string, flags: string[]][] = [
    ...c.parts.map((part): [string, string, string[]] => [
      file(part.file),
      part.file.replace(/\.c$/, ".o"),
      [
        ...common,
        ...loweredFlags,
        ...cpuFlags(cpu),
        ...dropped,
        ...(part.large || options.optimize === "quick" ? quickFlags : []),
        ...(options.debug ? debugFlags : []),
      ],
    ]),
    [join(packageRoot, "runtime", "wasm", "module.c"), "module.o", [...common, ...bootFlags]],
    [file("linear.S"), "linear.o", common],
  ];
  if (c.parts.length > 1) options.onStage?.(partsText(c.parts));
  await eachInTurn(jobs, async ([source, object, flags]) =>
    compileC(source, file(object), flags, signal, folder),
  );
  return jobs.map(([, object]) => object);
}

function partsText(parts: CPart[]): string {
  const large = parts.filter((part) => part.large).length;
  const note = large === 0 ? "" : `, ${large} of them a large function, compiled with -O1`;
  return `lower: ${parts.length} files of C${note}; up to a minute each`;
}

/** As many at a time as there are processors: a compiler takes some hundred megabytes. */
async function eachInTurn<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const worker = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}

/** The file that runtime/wasm/module.c includes. */
function constants(
  initialPages: number,
  own: boolean,
  hypercalls: boolean,
  nullPage: NullPage,
  cpu: CpuLevel,
): string {
  return [
    ...(own ? [] : ["#define MODULE_IS_FOREIGN"]),
    ...(cpu === "x86-64" ? [] : ["#define MODULE_FOR_X86_64_V2"]),
    `#define MODULE_KNOWS_XEN ${hypercalls}`,
    `#define MODULE_INITIAL_PAGES ${initialPages}`,
    `#define MODULE_PAGE_ZERO ${nullPage === "allow"}`,
    "",
  ].join("\n");
}

/** Paths of the folder, which changes from build to build, stay out of the objects. */
function guestFlags(hypercall: HypercallMode, folder: string): string[] {
  return [...commonFlags(hypercall), `-ffile-prefix-map=${folder}=guest`, "-I", folder];
}
