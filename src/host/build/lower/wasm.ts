// What the lowering must know of a Wasm module, and what it refuses of it, by name.
// https://webassembly.github.io/spec/core/binary/modules.html

import { BuildError } from "../build-error.js";
import { unsupportedInstruction } from "./instructions.js";
import { WasmReader } from "./wasm-reader.js";

export interface WasmImport {
  module: string;
  name: string;
  kind: "function" | "table" | "memory" | "global" | "tag";
}

export interface WasmExport {
  name: string;
  kind: WasmImport["kind"];
  index: number;
}

export interface WasmTable {
  element: "funcref" | "externref";
  minimum: number;
  /** Null: as large as a table can be. */
  maximum: number | null;
}

export interface WasmData {
  /** Where it goes when the module is instantiated; null if that is computed then. */
  offset: number | null;
  bytes: Uint8Array;
}

export interface WasmModule {
  imports: WasmImport[];
  exports: WasmExport[];
  /** Parameters and results of each function, imported ones first: "i32 i64 -> f32". */
  signatures: string[];
  /** Declared minimum of the memory, in pages of 64 KiB; 0 if there is none. */
  initialPages: number;
  tables: WasmTable[];
  /** Whether it has a start function. */
  starts: boolean;
  /** Active segments; passive ones stay with the code that copies them. */
  data: WasmData[];
  /** Where the code section's contents begin in the file, as source maps count; 0 if there is none. */
  codeOffset: number;
}

const SECTION = {
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  code: 10,
  data: 11,
  tag: 13,
} as const;
const KINDS = ["function", "table", "memory", "global", "tag"] as const;

const VALUE_TYPES: Record<number, string> = {
  0x7f: "i32",
  0x7e: "i64",
  0x7d: "f32",
  0x7c: "f64",
  0x70: "funcref",
  0x6f: "externref",
};

/** `what` is a feature's name, `where` what in the module asks for it. */
function refuse(what: string, where: string): never {
  throw new BuildError(`the lowering does not have ${what}, which the module uses: ${where}`);
}

function valueType(r: WasmReader, where: string): string {
  const code = r.byte();
  const known = VALUE_TYPES[code];
  if (known !== undefined) return known;
  if (code === 0x7b) refuse("128-bit vectors (SIMD)", where);
  if (code === 0x69) refuse("exceptions", where);
  refuse("this kind of reference (typed function references, garbage collection)", where);
}

function limits(r: WasmReader, what: string): { minimum: number; maximum: number | null } {
  const flags = r.byte();
  if (flags & 2) refuse("shared memory (threads)", what);
  if (flags & 4) refuse("64-bit addresses (memory64)", what);
  if (flags & 8) refuse("custom page sizes", what);
  const minimum = r.u32();
  return { minimum, maximum: flags & 1 ? r.u32() : null };
}

function tableType(r: WasmReader, what: string): WasmTable {
  const element = valueType(r, what);
  if (element !== "funcref" && element !== "externref")
    throw new BuildError(`${what} has elements of no reference type`);
  return { element, ...limits(r, what) };
}

function readTypes(r: WasmReader): string[] {
  return r.vector(() => {
    if (r.byte() !== 0x60)
      refuse("types other than functions (garbage collection)", "its type section");
    const types = (): string => r.vector(() => valueType(r, "a function's type")).join(" ");
    const parameters = types();
    return `${parameters} -> ${types()}`.trim();
  });
}

function readImport(r: WasmReader, types: string[], module: WasmModule): WasmImport {
  const [from, name] = [r.name(), r.name()];
  const what = `import ${from}.${name}`;
  const kind = KINDS[r.byte()];
  if (kind === undefined) throw new BuildError(`${what} is of an unknown kind`);
  if (kind === "function") module.signatures.push(types[r.u32()] ?? "?");
  else if (kind === "table") tableType(r, what);
  else if (kind === "memory") limits(r, what);
  else if (kind === "global") {
    valueType(r, what);
    r.byte();
  } else {
    r.byte();
    r.u32();
  }
  return { module: from, name, kind };
}

/** An offset is `i32.const n; end`, or an expression that only the running module can say. */
function readOffset(r: WasmReader): number | null {
  const start = r.position;
  if (r.byte() === 0x41) {
    const offset = r.i32();
    if (r.byte() === 0x0b) return offset;
  }
  r.position = start;
  const trouble = unsupportedInstruction(r);
  if (trouble !== null) refuse(trouble, "a data segment's offset");
  return null;
}

function readData(r: WasmReader, data: WasmData[]): void {
  const flags = r.u32();
  if (flags === 2 && r.u32() !== 0) refuse("more than one memory", "a data segment");
  const offset = flags === 1 ? undefined : readOffset(r);
  const bytes = r.take(r.u32());
  if (offset !== undefined) data.push({ offset, bytes });
}

function readCode(r: WasmReader, imported: number): void {
  let index = imported;
  r.vector(() => {
    const body = new WasmReader(r.take(r.u32()), `function ${String(index)}`);
    const where = `function ${String(index++)}`;
    body.vector(() => {
      body.u32();
      valueType(body, where);
    });
    const trouble = unsupportedInstruction(body);
    if (trouble !== null) refuse(trouble, where);
  });
}

/** Reads the sections above; throws BuildError if the bytes are no Wasm module or use what the lowering has not. */
export function readWasm(bytes: Uint8Array): WasmModule {
  const file = new WasmReader(bytes, "header");
  if (Buffer.from(file.take(4)).toString("latin1") !== "\0asm")
    throw new BuildError("not a Wasm module: it does not begin with \\0asm");
  if (file.byte() !== 1 || file.byte() + file.byte() + file.byte() !== 0)
    throw new BuildError("not a Wasm core module of version 1");
  const module: WasmModule = {
    imports: [],
    exports: [],
    signatures: [],
    initialPages: 0,
    tables: [],
    starts: false,
    data: [],
    codeOffset: 0,
  };
  let types: string[] = [];
  let imported = 0;
  let memories = 0;
  while (!file.done) {
    const id = file.byte();
    const size = file.u32();
    const start = file.position;
    const r = new WasmReader(file.take(size), `section ${String(id)}`);
    if (id === SECTION.type) types = readTypes(r);
    else if (id === SECTION.import) {
      module.imports = r.vector(() => readImport(r, types, module));
      imported = module.signatures.length;
    } else if (id === SECTION.function)
      module.signatures.push(...r.vector(() => types[r.u32()] ?? "?"));
    else if (id === SECTION.table)
      module.tables = r.vector(() => tableType(r, "its table section"));
    else if (id === SECTION.memory)
      r.vector(() => {
        if (memories++ > 0) refuse("more than one memory", "its memory section");
        module.initialPages = limits(r, "its memory section").minimum;
      });
    else if (id === SECTION.tag) refuse("exceptions", "its tag section");
    else if (id === SECTION.export)
      module.exports = r.vector(() => {
        const name = r.name();
        const kind = KINDS[r.byte()] ?? "tag";
        return { name, kind, index: r.u32() };
      });
    else if (id === SECTION.start) module.starts = true;
    else if (id === SECTION.code) {
      module.codeOffset = start;
      readCode(r, imported);
    } else if (id === SECTION.data)
      r.vector(() => {
        readData(r, module.data);
      });
  }
  return module;
}
