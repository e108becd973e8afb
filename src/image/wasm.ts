// What the lowering must know of a Wasm module: its imports, memory, table and active data segments.
// https://webassembly.github.io/spec/core/binary/modules.html

import { BuildError } from "./build-error.js";

export interface WasmImport {
  module: string;
  name: string;
  kind: "function" | "table" | "memory" | "global" | "tag";
}

export interface WasmModule {
  imports: WasmImport[];
  exports: string[];
  /** Declared minimum of the one memory, in pages of 64 KiB. */
  initialPages: number;
  /** Declared size of the first table, in elements; 0 if there is none. */
  tableElements: number;
  data: { offset: number; bytes: Uint8Array }[];
}

const SECTION = { import: 2, table: 4, memory: 5, export: 7, data: 11 } as const;
const KINDS = ["function", "table", "memory", "global", "tag"] as const;

class Reader {
  position = 0;
  constructor(
    readonly bytes: Uint8Array,
    readonly what: string,
  ) {}

  get done(): boolean {
    return this.position >= this.bytes.length;
  }

  byte(): number {
    const value = this.bytes[this.position];
    if (value === undefined) throw new BuildError(`the Wasm module ends inside its ${this.what}`);
    this.position++;
    return value;
  }

  take(length: number): Uint8Array {
    if (this.position + length > this.bytes.length) {
      throw new BuildError(`the Wasm module ends inside its ${this.what}`);
    }
    this.position += length;
    return this.bytes.subarray(this.position - length, this.position);
  }

  /** Unsigned LEB128 of at most 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new BuildError(`a number in the Wasm module's ${this.what} is longer than 32 bits`);
  }

  /** Signed LEB128 of at most 32 bits, as the unsigned number with the same bits. */
  i32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte & 0x40 && shift < 25) value |= -1 << (shift + 7);
        return value >>> 0;
      }
    }
    throw new BuildError(`a number in the Wasm module's ${this.what} is longer than 32 bits`);
  }

  name(): string {
    return new TextDecoder().decode(this.take(this.u32()));
  }

  vector<T>(item: () => T): T[] {
    return Array.from({ length: this.u32() }, item);
  }

  limits(): number {
    const flags = this.byte();
    const minimum = this.u32();
    if (flags & 1) this.u32();
    if (flags & ~1)
      throw new BuildError(
        "shared and 64-bit memories are not supported: the module must have a plain one",
      );
    return minimum;
  }
}

function readImport(r: Reader): WasmImport {
  const module = r.name();
  const name = r.name();
  const kind = KINDS[r.byte()];
  if (kind === undefined) throw new BuildError(`import ${module}.${name} is of an unknown kind`);
  if (kind === "function") r.u32();
  else if (kind === "global") r.take(2);
  else if (kind === "table") r.byte();
  if (kind === "table" || kind === "memory") r.limits();
  if (kind === "tag") {
    r.byte();
    r.u32();
  }
  return { module, name, kind };
}

/** Active segments with a constant offset; passive ones stay with the code that copies them. */
function readData(r: Reader, data: WasmModule["data"]): void {
  const flags = r.u32();
  if (flags === 2) r.u32();
  let offset: number | null = null;
  if (flags !== 1) {
    const opcode = r.byte();
    if (opcode !== 0x41)
      throw new BuildError(
        "a data segment's offset is not a constant: position-independent modules are not supported",
      );
    offset = r.i32();
    r.byte();
  }
  const bytes = r.take(r.u32());
  if (offset !== null) data.push({ offset, bytes });
}

/** Reads the sections above; throws BuildError if the bytes are no Wasm module or use what is not supported. */
export function readWasm(bytes: Uint8Array): WasmModule {
  const file = new Reader(bytes, "header");
  if (Buffer.from(file.take(4)).toString("latin1") !== "\0asm")
    throw new BuildError("not a Wasm module: it does not begin with \\0asm");
  if (file.byte() !== 1 || file.byte() + file.byte() + file.byte() !== 0) {
    throw new BuildError("not a Wasm core module of version 1");
  }
  const module: WasmModule = {
    imports: [],
    exports: [],
    initialPages: 0,
    tableElements: 0,
    data: [],
  };
  while (!file.done) {
    const id = file.byte();
    const r = new Reader(file.take(file.u32()), `section ${String(id)}`);
    if (id === SECTION.import) {
      module.imports = r.vector(() => readImport(r));
    } else if (id === SECTION.table) {
      r.vector(() => {
        r.byte();
        const minimum = r.limits();
        module.tableElements ||= minimum;
      });
    } else if (id === SECTION.memory) {
      r.vector(() => (module.initialPages = r.limits()));
    } else if (id === SECTION.export) {
      module.exports = r.vector(() => {
        const name = r.name();
        r.byte();
        r.u32();
        return name;
      });
    } else if (id === SECTION.data) {
      r.vector(() => {
        readData(r, module.data);
      });
    }
  }
  return module;
}
