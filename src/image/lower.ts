// Wasm to native objects: the one door behind which the lowering stands. Today it is wasm2c and gcc.

import { createRequire } from "node:module";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { packageRoot } from "../package-root.js";
import { BuildError } from "./build-error.js";
import { digest, digestOfOwnCode, loadStage, storeStage, type StageFiles } from "./stage-cache.js";
import {
  bootFlags,
  commonFlags,
  compileC,
  digestOfToolchain,
  loweredFlags,
  run,
  type HypercallMode,
} from "./toolchain.js";
import { readWasm, type WasmModule } from "./wasm.js";

export interface LowerOptions {
  wasm: Uint8Array;
  hypercall: HypercallMode;
  /** Where intermediate files go. */
  folder: string;
  /** C files that define the imports of module "native". */
  native?: string[];
  /** Whether an equal module's objects may be taken from the cache; default true. */
  cache?: boolean;
  signal?: AbortSignal;
}

const PAGE_SIZE = 4096;
const WASM_PAGE_SIZE = 65536;

/** The names of module "xen" that linker/intrinsics.h defines. */
async function intrinsicNames(): Promise<Set<string>> {
  const header = await readFile(join(packageRoot, "linker", "intrinsics.h"), "utf8");
  return new Set([...header.matchAll(/^INTRINSIC\([^,]+, (\w+)/gm)].map((match) => match[1] ?? ""));
}

async function checkImports(module: WasmModule, native: boolean): Promise<void> {
  const known = await intrinsicNames();
  const unmet = module.imports.filter(
    ({ module: from, name, kind }) =>
      kind !== "function" ||
      !(
        (from === "xen" && known.has(name)) ||
        (from === "env" && name === "abort") ||
        (from === "native" && native)
      ),
  );
  if (unmet.length > 0) {
    const list = unmet
      .map(({ module: from, name, kind }) => `${from}.${name} (${kind})`)
      .join(", ");
    throw new BuildError(`the guest imports what a Xen guest has not: ${list}`);
  }
}

/**
 * Linear memory's first contents as the loader shall place them: the data segments from page 1 on (page 0
 * is absent), and zeroes up to the initial size, which take no room in the file.
 */
function linearMemory(module: WasmModule, binary: string): { image: Uint8Array; assembly: string } {
  const size = module.initialPages * WASM_PAGE_SIZE;
  let end = PAGE_SIZE;
  for (const { offset, bytes } of module.data) {
    if (offset < PAGE_SIZE) {
      throw new BuildError(
        `the module has data at address ${String(offset)}, below 4096, where a guest has no memory`,
      );
    }
    if (offset + bytes.length > size) {
      throw new BuildError(
        `the module's data reaches ${String(offset + bytes.length)}, beyond its memory of ${String(size)} bytes`,
      );
    }
    end = Math.max(end, offset + bytes.length);
  }
  const image = new Uint8Array(end - PAGE_SIZE);
  for (const { offset, bytes } of module.data) image.set(bytes, offset - PAGE_SIZE);
  const assembly = [
    '.section .linear, "aw", @progbits',
    `.incbin "${binary}"`,
    '.section .linear.zero, "aw", @nobits',
    `.skip ${String(Math.max(0, size - end))}`,
    '.section .note.GNU-stack, "", @progbits',
    "",
  ].join("\n");
  return { image, assembly };
}

/** wasm2c's own copying of active data segments is left out: the loader has placed them. */
function withoutDataCopies(c: string): string {
  return c.replace(/^ {2}LOAD_DATA\(instance->.*\n/gm, "");
}

/** What linker/wasm-rt.c includes: the module's header, and the numbers it needs of it. */
function moduleHeader(module: WasmModule, header: string): string {
  const imports = /wasm2c_guest_instantiate\(w2c_guest\*(.*)\);/.exec(header)?.[1] ?? "";
  const nulls = ", NULL".repeat(imports.split(",").length - 1);
  return [
    '#include "guest.h"',
    `#define MODULE_INITIAL_PAGES ${String(module.initialPages)}`,
    `#define MODULE_TABLE_ELEMENTS ${String(Math.max(1, module.tableElements))}`,
    `#define MODULE_IMPORT_ARGUMENTS ${nulls}`,
    "#define MODULE_START w2c_guest_0x5Fstart",
    "",
  ].join("\n");
}

/** What a lowering leaves for the next one of the same module: objects first, then what --keep shows. */
const OBJECTS = ["lowered-0.o", "lowered-1.o", "lowered-2.o"];
const KEPT = [...OBJECTS, "guest.c", "guest.h", "module.h", "linear.bin", "linear.S"];

const wasm2c = createRequire(import.meta.url).resolve("wabt/bin/wasm2c");

/**
 * Lowers a module to objects for link(), or takes those that an equal module was lowered to. Throws BuildError if
 * the module asks for what there is not.
 */
export async function lower(options: LowerOptions): Promise<string[]> {
  const { wasm, hypercall, folder, native = [], signal } = options;
  const file = (name: string): string => join(folder, name);
  await writeFile(file("guest.wasm"), wasm);
  const key = digest(
    wasm,
    JSON.stringify([hypercall, native.length > 0]),
    await digestOfToolchain(signal),
    await digestOfOwnCode(),
    await readFile(wasm2c),
  );
  const found = options.cache === false ? null : await loadStage("lowered", key);
  if (found) {
    for (const [name, bytes] of Object.entries(found)) await writeFile(file(name), bytes);
  } else {
    await lowerModule(options);
    const files: StageFiles = {};
    for (const name of KEPT) files[name] = await readFile(file(name));
    if (options.cache !== false) await storeStage("lowered", key, files);
  }
  const flags = [...guestFlags(hypercall, folder), ...loweredFlags, "-Wall", "-Wextra"];
  const natives = native.map(async (source, index) => {
    const object = file(`native-${String(index)}.o`);
    await compileC(source, object, flags, signal); // always: nobody knows what it includes
    return object;
  });
  return [...OBJECTS.map(file), ...(await Promise.all(natives))];
}

/** Paths of the folder, which changes from build to build, stay out of the objects. */
function guestFlags(hypercall: HypercallMode, folder: string): string[] {
  return [...commonFlags(hypercall), `-ffile-prefix-map=${folder}=guest`, "-I", folder];
}

async function lowerModule(options: LowerOptions): Promise<void> {
  const { wasm, hypercall, folder, native = [], signal } = options;
  const module = readWasm(wasm);
  await checkImports(module, native.length > 0);
  if (!module.exports.includes("_start")) throw new BuildError("the module exports no _start");

  const file = (name: string): string => join(folder, name);
  const { image, assembly } = linearMemory(module, file("linear.bin"));
  await Promise.all([writeFile(file("linear.bin"), image), writeFile(file("linear.S"), assembly)]);
  await run(
    process.execPath,
    [wasm2c, file("guest.wasm"), "-n", "guest", "-o", file("guest.c")],
    signal,
  );
  const header = await readFile(file("guest.h"), "utf8");
  await Promise.all([
    writeFile(file("guest.c"), withoutDataCopies(await readFile(file("guest.c"), "utf8"))),
    writeFile(file("module.h"), moduleHeader(module, header)),
  ]);

  const common = guestFlags(hypercall, folder);
  const runtime = join(packageRoot, "linker", "wasm-rt.c");
  const jobs: [source: string, flags: string[]][] = [
    [file("guest.c"), [...common, ...loweredFlags]],
    [runtime, [...common, ...bootFlags, "-fno-delete-null-pointer-checks", "-fno-strict-aliasing"]],
    [file("linear.S"), common],
  ];
  await Promise.all(
    jobs.map(([source, flags], index) =>
      compileC(source, file(OBJECTS[index] ?? ""), flags, signal, folder),
    ),
  );
}
