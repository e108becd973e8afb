// Linear memory. Each access is a macro of runtime/wasm/memory.h, by the instruction's name.
// https://webassembly.github.io/spec/core/valid/instructions.html#memory-instructions

import type { Bytes } from "../decode/bytes.js";
import { unsupported } from "../decode/errors.js";
import type { NumberType } from "../decode/module.js";
import type { FunctionState, Handler } from "./function-state.js";
import { i32Literal } from "./literals.js";

/** Name, type, and the access's size as a power of two. */
type Access = [name: string, type: NumberType, size: number];

const LOADS: Access[] = [
  ["i32_load", "i32", 2],
  ["i64_load", "i64", 3],
  ["f32_load", "f32", 2],
  ["f64_load", "f64", 3],
  ["i32_load8_s", "i32", 0],
  ["i32_load8_u", "i32", 0],
  ["i32_load16_s", "i32", 1],
  ["i32_load16_u", "i32", 1],
  ["i64_load8_s", "i64", 0],
  ["i64_load8_u", "i64", 0],
  ["i64_load16_s", "i64", 1],
  ["i64_load16_u", "i64", 1],
  ["i64_load32_s", "i64", 2],
  ["i64_load32_u", "i64", 2],
];
const STORES: Access[] = [
  ["i32_store", "i32", 2],
  ["i64_store", "i64", 3],
  ["f32_store", "f32", 2],
  ["f64_store", "f64", 3],
  ["i32_store8", "i32", 0],
  ["i32_store16", "i32", 1],
  ["i64_store8", "i64", 0],
  ["i64_store16", "i64", 1],
  ["i64_store32", "i64", 2],
];
const FIRST_LOAD = 0x28;
const FIRST_STORE = 0x36;

export function needMemory(f: FunctionState, r: Bytes): void {
  if (f.module.memory === null) r.fail("memory 0 does not exist");
}

/** An access's alignment, of which only the bound counts, and its offset. */
export function memoryArgument(f: FunctionState, r: Bytes, size: number): string {
  const alignment = r.u32();
  if (alignment & 0x40) unsupported("more than one memory", r.where);
  if (alignment > size)
    r.fail(`an alignment of 2^${alignment}, and the access has 2^${size} bytes`);
  needMemory(f, r);
  return i32Literal(r.u32());
}

/** AssemblyScript's objects: rtSize of OBJECT, std/assembly/rt/common.ts. */
const LENGTH_OFFSET = "16u";
const HEADER_BYTES = "20u";

/** Of the class in asc's library that says what the header is. */
const LENGTH_GETTER = "~lib/rt/common/OBJECT#get:rtSize";

/**
 * An object's length is in the header before it, and is read in one way only: `changetype<OBJECT>(pointer - 20).rtSize`.
 * Whatever may write it is a store of 32 bits at that offset. Such loads and stores are of a type of their own, so
 * that a length need not be read again behind any other store.
 */
const isLengthLoad = (f: FunctionState, name: string, offset: string): boolean =>
  f.rules.objectHeaders &&
  name === "i32_load" &&
  offset === LENGTH_OFFSET &&
  (f.operands.isDifference(HEADER_BYTES) || f.name === LENGTH_GETTER);

const load =
  ([name, type, size]: Access): Handler =>
  (f, r) => {
    const offset = memoryArgument(f, r, size);
    const how = isLengthLoad(f, name, offset) ? "load_length" : name;
    f.operation(["i32"], type, ([address]) => `${how}(${address ?? ""}, ${offset})`);
  };

const store =
  ([name, type, size]: Access): Handler =>
  (f, r) => {
    const offset = memoryArgument(f, r, size);
    const mayBeLength = f.rules.objectHeaders && name === "i32_store" && offset === LENGTH_OFFSET;
    const how = mayBeLength ? "store_length" : name;
    f.operation(["i32", type], null, (operands) => {
      const [address, value] = operands;
      return `${how}(${address ?? ""}, ${offset}, ${value ?? ""})`;
    });
  };

function onlyMemory(f: FunctionState, r: Bytes): void {
  if (r.byte() !== 0) unsupported("more than one memory", r.where);
  needMemory(f, r);
}

const size: Handler = (f, r) => {
  onlyMemory(f, r);
  f.operation([], "i32", () => "memory_pages");
};

const grow: Handler = (f, r) => {
  onlyMemory(f, r);
  const most = i32Literal(f.module.memory?.maximum ?? 65_536);
  f.operation(["i32"], "i32", ([pages]) => `memory_grow(${pages ?? ""}, ${most})`);
};

function segment(f: FunctionState, r: Bytes): string {
  const index = r.u32();
  if (!f.module.countsData) r.fail("the module has no data count section");
  // Data comes after code: what the count section says is what there has to be.
  if (f.module.data[index] === undefined) r.fail(`data segment ${index} does not exist`);
  f.uses.data.add(index);
  return f.symbols.data(index);
}

const bulk = (f: FunctionState, call: (operands: string) => string): void => {
  f.operation(["i32", "i32", "i32"], null, (operands) => call(operands.join(", ")));
};

const init: Handler = (f, r) => {
  const data = segment(f, r);
  onlyMemory(f, r);
  bulk(f, (operands) => `memory_init(${data}, ${data}_size, ${operands})`);
};

const drop: Handler = (f, r) => {
  f.say(`${segment(f, r)}_size = 0;`);
};

const copy: Handler = (f, r) => {
  onlyMemory(f, r);
  onlyMemory(f, r);
  bulk(f, (operands) => `memory_copy(${operands})`);
};

const fill: Handler = (f, r) => {
  onlyMemory(f, r);
  bulk(f, (operands) => `memory_fill(${operands})`);
};

export const MEMORY: Record<number, Handler> = {
  ...Object.fromEntries(LOADS.map((one, at) => [FIRST_LOAD + at, load(one)])),
  ...Object.fromEntries(STORES.map((one, at) => [FIRST_STORE + at, store(one)])),
  0x3f: size,
  0x40: grow,
};

/** Behind 0xfc. */
export const BULK_MEMORY: Record<number, Handler> = { 8: init, 9: drop, 10: copy, 11: fill };
