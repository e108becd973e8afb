// A Wasm module, decoded but for its functions' instructions.
// https://webassembly.github.io/spec/core/syntax/modules.html

export type ReferenceType = "funcref" | "externref";
export type NumberType = "i32" | "i64" | "f32" | "f64";
export type ValueType = NumberType | "v128" | ReferenceType;

export interface FunctionType {
  parameters: ValueType[];
  results: ValueType[];
  /** Equal for equal types, whatever their index: what an indirect call compares. From 1 on. */
  id: number;
}

export type ExternalKind = "function" | "table" | "memory" | "global";

export interface WasmImport {
  module: string;
  name: string;
  kind: ExternalKind;
  /** Of a function. */
  type: FunctionType | null;
}

export interface WasmExport {
  name: string;
  kind: ExternalKind;
  index: number;
}

export interface Limits {
  minimum: number;
  /** Null: as far as Wasm allows. */
  maximum: number | null;
}

export interface WasmTable extends Limits {
  element: ReferenceType;
}

/** What a constant expression comes to. Every one is known here, since no global of another module is. */
export type Constant =
  { type: NumberType | "v128"; bits: bigint } | { type: ReferenceType; function: number | null };

export interface WasmGlobal {
  type: ValueType;
  mutable: boolean;
  /** Null: imported. */
  initial: Constant | null;
}

export interface DataSegment {
  /** Where it goes when the module is instantiated; null: where memory.init puts it. */
  offset: number | null;
  bytes: Uint8Array;
}

export interface ElementSegment {
  mode: "active" | "passive" | "declarative";
  table: number;
  /** Of an active one. */
  offset: number;
  type: ReferenceType;
  /** Function indices; null: a null reference. */
  elements: (number | null)[];
}

/** A function's code: its bytes in the file, locals first. */
export interface Body {
  start: number;
  end: number;
}

export interface WasmModule {
  bytes: Uint8Array;
  types: FunctionType[];
  imports: WasmImport[];
  exports: WasmExport[];
  /** Imported ones first, as in each of these. */
  functions: FunctionType[];
  importedFunctions: number;
  tables: WasmTable[];
  memory: Limits | null;
  globals: WasmGlobal[];
  start: number | null;
  data: DataSegment[];
  /** Whether there is a data count section, without which no instruction may name a data segment. */
  countsData: boolean;
  elements: ElementSegment[];
  bodies: Body[];
  /** Functions that `ref.func` may name: those that occur outside of functions' bodies. */
  declared: Set<number>;
  /** By index: from the name section, else from the exports. */
  functionNames: Map<number, string>;
  /** Of parameters and locals, by function and index: from the name section. */
  localNames: Map<number, Map<number, string>>;
  /** Where the code section's contents begin in the file, as source maps count; 0 if there is none. */
  codeOffset: number;
}

/** `i32 i64 -> f32`. */
export function typeText(type: FunctionType): string {
  return `${type.parameters.join(" ")} -> ${type.results.join(" ")}`.trim();
}

/** `function 12 (main/foo)`, for messages. */
export function functionText(module: WasmModule, index: number, quote: (name: string) => string) {
  const name = module.functionNames.get(index);
  return `function ${index}${name === undefined ? "" : ` (${quote(name)})`}`;
}
