// What the lowering writes beside the C: linear memory as the loader shall find it, and the module's own numbers.

import { BuildError } from "./build-error.js";
import { isForeign } from "./lower/imports.js";
import type { WasmModule } from "./lower/wasm.js";

/**
 * What is at address 0. `trap`: nothing, so that a null dereference faults; `allow`: memory, as Wasm has it.
 */
export type NullPage = "trap" | "allow";

const PAGE_SIZE = 4096;
const WASM_PAGE_SIZE = 65536;

/** Each table may grow by so many elements, if the module grows tables at all. */
const TABLE_GROWTH = 1024;
const MAX_TABLE_BYTES = 4 * 2 ** 20;
/** wasm-rt.h's wasm_rt_funcref_t and wasm_rt_externref_t. */
const ELEMENT_BYTES = { funcref: 32, externref: 8 };

/** Whether the loader can place all active data segments. */
export function dataIsPlaced(module: WasmModule): boolean {
  return module.data.every(({ offset }) => offset !== null);
}

/**
 * Linear memory's first contents: the data segments, from page 1 on where page 0 is absent, and zeroes up to the
 * initial size, which take no room in the file. `binary` is where the image will be.
 */
export function linearMemory(
  module: WasmModule,
  nullPage: NullPage,
  binary: string,
): { image: Uint8Array; assembly: string } {
  const size = module.initialPages * WASM_PAGE_SIZE;
  const start = nullPage === "trap" && size > 0 ? PAGE_SIZE : 0;
  const placed = dataIsPlaced(module) ? module.data : [];
  let end = start;
  for (const { offset, bytes } of placed) {
    if (offset === null) continue;
    if (offset + bytes.length > size)
      throw new BuildError(
        `the module's data reaches ${String(offset + bytes.length)}, beyond its memory of ${String(size)} bytes`,
      );
    if (bytes.length === 0) continue;
    if (offset < start)
      throw new BuildError(
        `the module has data at address ${String(offset)}, in page 0, which is absent in this build`,
        { hint: "--null-page allow" },
      );
    end = Math.max(end, offset + bytes.length);
  }
  const image = new Uint8Array(end - start);
  for (const { offset, bytes } of placed)
    if (bytes.length > 0) image.set(bytes, (offset ?? 0) - start);
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

/** The function that is the program: `_start` (a command), else `_initialize`; null: instantiating it is all. */
function entryOf(module: WasmModule): string | null {
  const entry = ["_start", "_initialize"]
    .map((name) => module.exports.find((one) => one.name === name))
    .find((one) => one?.kind === "function");
  if (entry === undefined) {
    if (module.starts) return null;
    throw new BuildError(
      "the module exports no _start and has no start function: nothing would run",
    );
  }
  const signature = module.signatures[entry.index];
  if (signature !== "->")
    throw new BuildError(
      `the module's ${entry.name} is of type "${signature ?? "?"}": expected no parameters and no results`,
    );
  return entry.name;
}

/** The file that runtime/wasm/module.c includes. */
export function moduleHeader(
  module: WasmModule,
  nullPage: NullPage,
  wasm2c: { c: string; header: string },
): string {
  const instantiate = /wasm2c_guest_instantiate\(w2c_guest\*(.*)\);/.exec(wasm2c.header)?.[1] ?? "";
  const nulls = ", NULL".repeat(instantiate.split(",").length - 1);
  const growth = /wasm_rt_grow_(?:func|extern)ref_table/.test(wasm2c.c) ? TABLE_GROWTH : 0;
  const tableBytes = module.tables.reduce((sum, { element, minimum, maximum }) => {
    const elements = minimum + Math.min(growth, (maximum ?? Infinity) - minimum);
    return sum + elements * ELEMENT_BYTES[element];
  }, 0);
  if (tableBytes > MAX_TABLE_BYTES)
    throw new BuildError(
      `the module's tables take ${String(tableBytes)} bytes: expected at most ${String(MAX_TABLE_BYTES)}`,
    );
  const entry = entryOf(module);
  return [
    '#include "guest.h"',
    ...(isForeign(module) ? ["#define MODULE_IS_FOREIGN"] : []),
    `#define MODULE_INITIAL_PAGES ${String(module.initialPages)}`,
    `#define MODULE_PAGE_ZERO ${String(nullPage === "allow")}`,
    `#define MODULE_TABLE_BYTES ${String(tableBytes)}`,
    `#define MODULE_TABLE_GROWTH ${String(growth)}`,
    "#define MODULE_INSTANCE w2c_guest",
    `#define MODULE_INSTANTIATE(instance) wasm2c_guest_instantiate(instance${nulls})`,
    ...(entry === null ? [] : [`#define MODULE_START w2c_guest_${entry.replace("_", "0x5F")}`]),
    "",
  ].join("\n");
}
