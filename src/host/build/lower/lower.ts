// Wasm to native objects: the one door behind which the lowering stands. Today it is wasm2c and gcc.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { packageRoot } from "../../base/package-root.js";
import { withLines, withMarks } from "./lines.js";
import { informed } from "./lowered-c.js";
import { checkImports, isForeign } from "./imports.js";
import { dataIsPlaced, linearMemory, moduleHeader, type NullPage } from "../module-files.js";
import { KINDS } from "../../cache/kinds.js";
import {
  digest,
  digestOfOwnCode,
  loadStage,
  storeStage,
  type StageFiles,
} from "../../cache/stage-cache.js";
import {
  bootFlags,
  commonFlags,
  compileC,
  digestOfToolchain,
  dropDeadLoadFlags,
  loweredFlags,
  type HypercallMode,
} from "../link/toolchain.js";
import { digestOfWasm2c, wasm2c } from "./wasm2c.js";
import { readWasm } from "./wasm.js";

/** What becomes of a load whose result nobody uses. Wasm traps for it if it is out of bounds: that is `keep`. */
export type DeadLoads = "keep" | "drop";

export interface LowerOptions {
  wasm: Uint8Array;
  /** Which lines it comes from; default: nobody knows. */
  sourceMap?: string;
  hypercall: HypercallMode;
  /** Where intermediate files go. */
  folder: string;
  /** C files, or objects (.o), that define the imports of module "native". */
  native?: string[];
  /** Default: `trap` for what was compiled with xenlet's runtime, `allow` for any other module. */
  nullPage?: NullPage;
  /** Default: `keep`. */
  deadLoads?: DeadLoads;
  /** Whether an equal module's objects may be taken from the cache; default true. */
  cache?: boolean;
  signal?: AbortSignal;
}

export interface Lowered {
  /** For link(). */
  objects: string[];
  nullPage: NullPage;
}

/** What a lowering leaves for the next one of the same module: objects first, then what --keep shows. */
const OBJECTS = ["lowered-0.o", "lowered-1.o", "lowered-2.o"];
const KEPT = [...OBJECTS, "guest.c", "guest.h", "module.h", "linear.bin", "linear.S"];

/**
 * Lowers a module to objects, or takes those that an equal module was lowered to. Throws BuildError if the module
 * asks for what there is not.
 */
export async function lower(options: LowerOptions): Promise<Lowered> {
  const { wasm, hypercall, folder, native = [], signal } = options;
  const file = (name: string): string => join(folder, name);
  const module = readWasm(wasm);
  await checkImports(module, native.length > 0);
  const nullPage = options.nullPage ?? (isForeign(module) ? "allow" : "trap");
  const deadLoads = options.deadLoads ?? "keep";
  await writeFile(file("guest.wasm"), wasm);
  const key = digest(
    wasm,
    JSON.stringify([hypercall, nullPage, deadLoads, options.sourceMap ?? ""]),
    await digestOfToolchain(signal),
    await digestOfOwnCode(),
    await digestOfWasm2c(),
  );
  const found = options.cache === false ? null : await loadStage(KINDS.lowered, key);
  if (found) {
    for (const [name, bytes] of Object.entries(found)) await writeFile(file(name), bytes);
  } else {
    const { image, assembly } = linearMemory(module, nullPage, file("linear.bin"));
    const marked = options.sourceMap ? withMarks(wasm, options.sourceMap) : { wasm, places: [] };
    await writeFile(file("guest.wasm"), marked.wasm);
    const c = informed(await wasm2c(folder, "guest"), module);
    await writeFile(file("guest.wasm"), wasm); // as it was: to be read
    const { plain, lined } = withLines(c, marked.places);
    await writeFile(file("guest.c"), plain);
    await writeFile(file("guest-lines.c"), lined);
    await writeFile(file("guest.h"), c.header);
    await writeFile(file("module.h"), moduleHeader(module, nullPage, c));
    await writeFile(file("linear.bin"), image);
    await writeFile(file("linear.S"), assembly);
    const defines = [
      ...(dataIsPlaced(module) ? ["-DWASM_DATA_IS_PLACED"] : []),
      ...(deadLoads === "drop" ? dropDeadLoadFlags : []),
    ];
    const common = guestFlags(hypercall, folder);
    const jobs: [source: string, flags: string[]][] = [
      [file("guest-lines.c"), [...common, ...loweredFlags, ...defines]],
      [join(packageRoot, "runtime", "wasm", "module.c"), [...common, ...bootFlags]],
      [file("linear.S"), common],
    ];
    await Promise.all(
      jobs.map(([source, flags], index) =>
        compileC(source, file(OBJECTS[index] ?? ""), flags, signal, folder),
      ),
    );
    const files: StageFiles = {};
    for (const name of KEPT) files[name] = await readFile(file(name));
    if (options.cache !== false) await storeStage(KINDS.lowered, key, files);
  }
  const flags = [
    ...guestFlags(hypercall, folder),
    ...loweredFlags,
    "-fno-strict-aliasing", // it may touch linear memory by pointers of its own
    "-Wall",
    "-Wextra",
  ];
  const natives = native.map(async (source, index) => {
    if (source.endsWith(".o")) return source;
    const object = file(`native-${String(index)}.o`);
    await compileC(source, object, flags, signal); // always: nobody knows what it includes
    return object;
  });
  return { objects: [...OBJECTS.map(file), ...(await Promise.all(natives))], nullPage };
}

/** Paths of the folder, which changes from build to build, stay out of the objects. */
function guestFlags(hypercall: HypercallMode, folder: string): string[] {
  return [...commonFlags(hypercall), `-ffile-prefix-map=${folder}=guest`, "-I", folder];
}
