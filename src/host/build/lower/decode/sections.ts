// Decodes and validates a module, but for the instructions of its functions: those are read when they are lowered
// (../emit/function.ts).
// https://webassembly.github.io/spec/core/binary/modules.html

import { BuildError } from "../../build-error.js";
import { Bytes } from "./bytes.js";
import { constant } from "./constants.js";
import { invalid, unsupported } from "./errors.js";
import { LIMITS } from "./limits.js";
import type { ExternalKind, FunctionType, WasmExport, WasmImport, WasmModule } from "./module.js";
import { namesOf } from "./names.js";
import { dataSegment, elementSegment } from "./segments.js";
import { functionType, memoryType, mutability, tableType, TypeIds, valueType } from "./types.js";

const HEADER_BYTES = 8;
const CUSTOM = 0;
/** Sections in the order that they must have. The data count comes before the code, the tags before the globals. */
const SECTIONS = [
  [1, "type"],
  [2, "import"],
  [3, "function"],
  [4, "table"],
  [5, "memory"],
  [13, "tag"],
  [6, "global"],
  [7, "export"],
  [8, "start"],
  [9, "element"],
  [12, "data count"],
  [10, "code"],
  [11, "data"],
] as const;
type SectionName = (typeof SECTIONS)[number][1];

const KINDS: readonly ExternalKind[] = ["function", "table", "memory", "global"];
const TAG = 4;

function externalKind(r: Bytes): ExternalKind {
  const code = r.byte();
  if (code === TAG) unsupported("exceptions", r.where);
  return KINDS[code] ?? r.fail(`an import or export of unknown kind ${code}`);
}

/** What is known of a module while its sections are read. */
class Decoder {
  readonly module: WasmModule;
  readonly #ids = new TypeIds();
  #declaredTypes: FunctionType[] = [];
  #dataCount: number | null = null;
  #names: Bytes | null = null;

  constructor(bytes: Uint8Array) {
    this.module = {
      bytes,
      types: [],
      imports: [],
      exports: [],
      functions: [],
      importedFunctions: 0,
      tables: [],
      memory: null,
      globals: [],
      start: null,
      data: [],
      countsData: false,
      elements: [],
      bodies: [],
      declared: new Set(),
      functionNames: new Map(),
      localNames: new Map(),
      codeOffset: 0,
    };
  }

  #type(r: Bytes): FunctionType {
    const index = r.u32();
    return this.module.types[index] ?? r.fail(`type ${index} does not exist`);
  }

  #memory(r: Bytes): void {
    if (this.module.memory !== null) unsupported("more than one memory", r.where);
    this.module.memory = memoryType(r);
  }

  #import(r: Bytes): WasmImport {
    const { module } = this;
    const [from, name, kind] = [r.name(), r.name(), externalKind(r)];
    let type: FunctionType | null = null;
    if (kind === "function") {
      type = this.#type(r);
      module.functions.push(type);
    } else if (kind === "table") module.tables.push(tableType(r));
    else if (kind === "memory") this.#memory(r);
    else module.globals.push({ type: valueType(r), mutable: mutability(r), initial: null });
    return { module: from, name, kind, type };
  }

  #export(r: Bytes, taken: Set<string>): WasmExport {
    const { module } = this;
    const [name, kind, index] = [r.name(), externalKind(r), r.u32()];
    const count = {
      function: module.functions.length,
      table: module.tables.length,
      memory: module.memory === null ? 0 : 1,
      global: module.globals.length,
    }[kind];
    if (index >= count) r.fail(`${kind} ${index}, which is exported, does not exist`);
    if (taken.has(name)) r.fail("two exports have the same name");
    taken.add(name);
    if (kind === "function") module.declared.add(index);
    return { name, kind, index };
  }

  #global(r: Bytes): void {
    const type = valueType(r);
    const mutable = mutability(r);
    this.module.globals.push({ type, mutable, initial: constant(r, this.module, type) });
  }

  #code(r: Bytes): void {
    const { module } = this;
    module.codeOffset = r.position;
    const count = r.u32();
    if (count !== this.#declaredTypes.length)
      r.fail(`${count} functions have code, and ${this.#declaredTypes.length} are declared`);
    for (let left = count; left > 0; left--) {
      const size = r.u32();
      if (size > LIMITS.functionBytes)
        r.fail(`a function of ${size} bytes: at most ${LIMITS.functionBytes} are allowed`);
      module.bodies.push({ start: r.position, end: r.position + size });
      r.take(size);
    }
  }

  section(name: SectionName, r: Bytes): void {
    const { module } = this;
    switch (name) {
      case "type":
        module.types = r.vector("types", LIMITS.types, () => functionType(r, this.#ids));
        break;
      case "import":
        module.imports = r.vector("imports", LIMITS.imports, () => this.#import(r));
        module.importedFunctions = module.functions.length;
        break;
      case "function":
        this.#declaredTypes = r.vector("functions", LIMITS.functions, () => this.#type(r));
        for (const type of this.#declaredTypes) module.functions.push(type);
        break;
      case "table":
        for (let left = r.count("tables", LIMITS.tables); left > 0; left--)
          module.tables.push(tableType(r));
        break;
      case "memory":
        for (let left = r.u32(); left > 0; left--) this.#memory(r);
        break;
      case "tag":
        unsupported("exceptions", r.where);
        break;
      case "global":
        for (let left = r.count("globals", LIMITS.globals); left > 0; left--) this.#global(r);
        break;
      case "export": {
        const taken = new Set<string>();
        module.exports = r.vector("exports", LIMITS.exports, () => this.#export(r, taken));
        break;
      }
      case "start": {
        module.start = r.u32();
        const type = module.functions[module.start];
        if (type === undefined) r.fail(`function ${module.start}, the start, does not exist`);
        if (type.parameters.length + type.results.length > 0)
          r.fail("the start function has parameters or results");
        break;
      }
      case "element":
        module.elements = r.vector("element segments", LIMITS.elementSegments, () =>
          elementSegment(r, module),
        );
        break;
      case "data count":
        this.#dataCount = r.count("data segments", LIMITS.dataSegments);
        module.countsData = true;
        break;
      case "code":
        this.#code(r);
        break;
      case "data":
        module.data = r.vector("data segments", LIMITS.dataSegments, () => dataSegment(r, module));
        break;
    }
    if (!r.done) r.fail("extra bytes after its end");
  }

  custom(r: Bytes): void {
    if (r.name() === "name") this.#names ??= r;
  }

  finish(): WasmModule {
    const { module } = this;
    if (module.bodies.length !== this.#declaredTypes.length)
      invalid(
        "code section",
        `${this.#declaredTypes.length} functions are declared, and none has code`,
      );
    if (this.#dataCount !== null && this.#dataCount !== module.data.length)
      invalid(
        "data section",
        `${module.data.length} segments, and the data count section says ${this.#dataCount}`,
      );
    const { functions, locals } = namesOf(this.#names, module.exports);
    module.functionNames = functions;
    module.localNames = locals;
    return module;
  }
}

/**
 * Throws BuildError, in one sentence, if the bytes are not a module, or use what the lowering does not implement. A
 * module's functions are not looked into.
 */
export function decodeModule(bytes: Uint8Array): WasmModule {
  const [magic, version] = [bytes.subarray(0, 4), bytes.subarray(4, HEADER_BYTES)];
  if (Buffer.from(magic).toString("latin1") !== "\0asm")
    throw new BuildError("not a Wasm module: it does not begin with \\0asm");
  if (version.join() !== "1,0,0,0") throw new BuildError("not a Wasm core module of version 1");
  const decoder = new Decoder(bytes);
  const file = new Bytes(bytes, HEADER_BYTES, bytes.length, "module");
  let last = -1;
  while (!file.done) {
    const id = file.byte();
    const size = file.u32();
    if (id === CUSTOM) {
      decoder.custom(file.part(size, "custom section"));
      continue;
    }
    const place = SECTIONS.findIndex(([number]) => number === id);
    const [, name] = SECTIONS[place] ?? file.fail(`a section of unknown kind ${id}`);
    if (place <= last) file.fail(`the ${name} section is in the wrong place, or there are two`);
    last = place;
    decoder.section(name, file.part(size, `${name} section`));
  }
  return decoder.finish();
}
