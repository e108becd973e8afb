// Types in the binary format, and what is refused of them by name.
// https://webassembly.github.io/spec/core/binary/types.html

import type { Bytes } from "./bytes.js";
import { unsupported } from "./errors.js";
import { LIMITS } from "./limits.js";
import type { FunctionType, Limits, ReferenceType, ValueType, WasmTable } from "./module.js";

const VALUE_TYPES: Record<number, ValueType> = {
  0x7f: "i32",
  0x7e: "i64",
  0x7d: "f32",
  0x7c: "f64",
  0x7b: "v128",
  0x70: "funcref",
  0x6f: "externref",
};

/** Codes of types that proposals define. */
const EXCEPTION_TYPES = [0x69, 0x74];
const FIRST_GC_TYPE = 0x62;
const LAST_GC_TYPE = 0x73;

export function valueTypeOf(code: number, r: Bytes): ValueType {
  const known = VALUE_TYPES[code];
  if (known !== undefined) return known;
  if (EXCEPTION_TYPES.includes(code)) unsupported("exceptions", r.where);
  if (code >= FIRST_GC_TYPE && code <= LAST_GC_TYPE)
    unsupported("garbage collection and typed function references", r.where);
  return r.fail(`0x${code.toString(16)} is not a type`);
}

export function valueType(r: Bytes): ValueType {
  return valueTypeOf(r.byte(), r);
}

export function referenceType(r: Bytes): ReferenceType {
  const type = valueType(r);
  if (type !== "funcref" && type !== "externref") r.fail(`${type} is not a reference type`);
  return type;
}

const SHARED = 2;
const ADDRESSES_64 = 4;
const PAGE_SIZE = 8;

export function limits(r: Bytes, most: number, what: string): Limits {
  const flags = r.byte();
  if (flags & SHARED) unsupported("threads (shared memory)", r.where);
  if (flags & ADDRESSES_64) unsupported("64-bit addresses (memory64)", r.where);
  if (flags & PAGE_SIZE) unsupported("custom page sizes", r.where);
  if (flags > 1) r.fail(`limits of an unknown kind, ${flags}`);
  const minimum = r.u32();
  const maximum = flags & 1 ? r.u32() : null;
  if (minimum > most) r.fail(`${minimum} ${what}: at most ${most} are allowed`);
  if (maximum !== null && maximum < minimum)
    r.fail(`a maximum of ${maximum} ${what} is below the minimum, ${minimum}`);
  return { minimum, maximum };
}

export function memoryType(r: Bytes): Limits {
  const type = limits(r, LIMITS.memoryPages, "pages of memory");
  if ((type.maximum ?? 0) > LIMITS.memoryPages)
    r.fail(`${String(type.maximum)} pages of memory: at most ${LIMITS.memoryPages} are allowed`);
  return type;
}

export function tableType(r: Bytes): WasmTable {
  if (r.all[r.position] === 0x40)
    unsupported("garbage collection and typed function references", r.where);
  const element = referenceType(r);
  return { element, ...limits(r, LIMITS.tableElements, "table elements") };
}

/** The mutability that follows a global's type. */
export function mutability(r: Bytes): boolean {
  const code = r.byte();
  if (code > 1) r.fail(`a global's mutability is ${code}`);
  return code === 1;
}

/** Gives equal function types one number. */
export class TypeIds {
  readonly #ids = new Map<string, number>();

  idOf(parameters: ValueType[], results: ValueType[]): number {
    const key = `${parameters.join()}:${results.join()}`;
    const id = this.#ids.get(key) ?? this.#ids.size + 1;
    this.#ids.set(key, id);
    return id;
  }
}

const FUNCTION = 0x60;

export function functionType(r: Bytes, ids: TypeIds): FunctionType {
  const form = r.byte();
  if (form === 0x4e || form === 0x4f || form === 0x50 || form === 0x5e || form === 0x5f)
    unsupported("garbage collection and typed function references", r.where);
  if (form !== FUNCTION) r.fail(`0x${form.toString(16)} is not a kind of type`);
  const parameters = r.vector("parameters", LIMITS.parameters, () => valueType(r));
  const results = r.vector("results", LIMITS.results, () => valueType(r));
  return { parameters, results, id: ids.idOf(parameters, results) };
}
