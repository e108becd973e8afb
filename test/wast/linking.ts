// What a script's module imports: of the specification's own test module, and of modules that the script has registered.
//
// A guest is one module, and has nobody to share a memory, a table or a variable with. What of these "spectest" has,
// each module that imports it gets as its own; functions of other modules are called.
// https://github.com/WebAssembly/spec/blob/main/interpreter/README.md#spectest-host-module

import { Bytes } from "../../src/host/build/lower/decode/bytes.js";
import { limits, referenceType, valueType } from "../../src/host/build/lower/decode/types.js";
import { leb, moduleOfSections, sectionsOf, type Section } from "../fuzz/exports.js";

const TYPE_BYTES: Record<string, number> = { funcref: 0x70, externref: 0x6f };
const NUMBER_BYTES: Record<string, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c };
const SECTION = { import: 2, table: 4, memory: 5, global: 6 };
const KIND = { function: 0, table: 1, memory: 2, global: 3 };

/** The global's initial value, as a constant expression. */
const SPECTEST_GLOBALS: Record<string, number[]> = {
  global_i32: [0x41, ...[0x9a, 0x05], 0x0b],
  global_i64: [0x42, ...[0x9a, 0x05], 0x0b],
  global_f32: [0x43, ...Buffer.from(new Float32Array([666.6]).buffer), 0x0b],
  global_f64: [0x44, ...Buffer.from(new Float64Array([666.6]).buffer), 0x0b],
};
const SPECTEST_TABLE = { minimum: 10, maximum: 20 };
const SPECTEST_MEMORY = { minimum: 1, maximum: 2 };

/** What a function takes. It returns nothing. */
export const SPECTEST_FUNCTIONS: Record<string, string> = {
  print: "",
  print_i32: "i32",
  print_i64: "i64",
  print_f32: "f32",
  print_f64: "f64",
  print_i32_f32: "i32 f32",
  print_f64_f64: "f64 f64",
};

/** Why a script's module cannot be in a guest. */
export class NotLinked extends Error {}

/** A function that a module imports; the import is renamed to "wast" and its number. */
export interface ImportedFunction {
  module: string;
  name: string;
}

export interface Linked {
  wasm: Uint8Array<ArrayBuffer>;
  functions: ImportedFunction[];
}

const nameBytes = (name: string): number[] => [
  ...leb(Buffer.byteLength(name)),
  ...Buffer.from(name),
];

/** Puts entries before those that the section has, or makes it. */
function prepend(sections: Section[], id: number, entries: number[][]): void {
  if (entries.length === 0) return;
  let at = sections.findIndex((section) => section.id === id);
  if (at < 0) {
    const next = sections.findIndex((section) => section.id !== 0 && section.id > id);
    at = next < 0 ? sections.length : next;
    sections.splice(at, 0, { id, bytes: Uint8Array.of(0) });
  }
  const section = sections[at];
  if (section === undefined) return;
  const r = new Bytes(section.bytes, 0, section.bytes.length, "section");
  const count = r.u32();
  const bytes = Buffer.concat([
    Buffer.from([...leb(count + entries.length), ...entries.flat()]),
    section.bytes.subarray(r.position),
  ]);
  sections[at] = { id, bytes };
}

/** The module with functions as its only imports. `names`: what the functions are called by, in their order. */
export function linked(wasm: Uint8Array, nameOf: (index: number) => string): Linked {
  const sections = sectionsOf(wasm);
  const at = sections.findIndex(({ id }) => id === SECTION.import);
  const section = sections[at];
  if (section === undefined) return { wasm: Uint8Array.from(wasm), functions: [] };
  const r = new Bytes(section.bytes, 0, section.bytes.length, "import section");
  const functions: ImportedFunction[] = [];
  const imports: number[][] = [];
  const own = { table: [] as number[][], memory: [] as number[][], global: [] as number[][] };
  for (let left = r.u32(); left > 0; left--) {
    const [module, name, kind] = [r.name(), r.name(), r.byte()];
    if (kind === KIND.function) {
      imports.push([
        ...nameBytes("wast"),
        ...nameBytes(nameOf(functions.length)),
        kind,
        ...leb(r.u32()),
      ]);
      functions.push({ module, name });
      continue;
    }
    const refuse = (what: string): never => {
      throw new NotLinked(`imports ${what}`);
    };
    if (module !== "spectest") refuse("what another module has");
    if (kind === KIND.table) {
      const element = referenceType(r);
      const wanted = limits(r, 2 ** 32, "elements");
      const { minimum, maximum } = SPECTEST_TABLE;
      if (name !== "table" || element !== "funcref") refuse("no such table");
      if (wanted.minimum > minimum || (wanted.maximum ?? maximum) < maximum)
        refuse("another table");
      own.table.push([TYPE_BYTES[element] ?? 0, 1, ...leb(minimum), ...leb(maximum)]);
    } else if (kind === KIND.memory) {
      const wanted = limits(r, 65_536, "pages");
      const { minimum, maximum } = SPECTEST_MEMORY;
      if (name !== "memory") refuse("no such memory");
      if (wanted.minimum > minimum || (wanted.maximum ?? maximum) < maximum)
        refuse("another memory");
      own.memory.push([1, minimum, maximum]);
    } else if (kind === KIND.global) {
      const type = valueType(r);
      const initial = SPECTEST_GLOBALS[name];
      if (r.byte() !== 0 || initial === undefined || name !== `global_${type}`)
        refuse("no such global");
      own.global.push([NUMBER_BYTES[type] ?? 0, 0, ...(initial ?? [])]);
    } else refuse("what is no part of Wasm 2.0");
  }
  sections[at] = {
    id: SECTION.import,
    bytes: Uint8Array.from([...leb(imports.length), ...imports.flat()]),
  };
  for (const kind of ["table", "memory", "global"] as const)
    prepend(sections, SECTION[kind], own[kind]);
  return { wasm: moduleOfSections(sections), functions };
}
