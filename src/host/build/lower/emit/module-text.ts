// A whole module as C: its functions, and a header of everything that they use, which is known when they are done.

import type {
  DataSegment,
  ElementSegment,
  FunctionType,
  WasmModule,
  WasmTable,
} from "../decode/module.js";
import { lowerFunction } from "./function.js";
import type { LoweringRules, ModuleUses } from "./function-state.js";
import { LineTable } from "./lines.js";
import { bytesLiteral, isStaticLiteral, literal } from "./literals.js";
import type { Statements } from "./statements.js";
import { C_TYPES, parameterTypes, resultDefinition, resultType, Symbols } from "./symbols.js";
import { tailCaller, tailEntry, tailVariables } from "./tail-calls.js";

export interface EmitOptions extends LoweringRules {
  /** What every name begins with that another file could see. */
  prefix: string;
  /** Data segments that are copied when the module is instantiated: the loader has put the others in place. */
  copied: ReadonlySet<DataSegment>;
  /** Whether all functions are in one file, and static; otherwise each may be called from another file. */
  oneFile: boolean;
  /** asc's; empty: no line is known. */
  sourceMap: string;
}

/** Where the functions go. */
export interface Sink {
  /** A function: what stands before its statements, and behind; `wasmBytes`: the size of its code. */
  function(statements: Statements, before: string, after: string, wasmBytes: number): void;
  text(text: string): void;
}

/** By so many elements a table may grow, at most. */
const TABLE_GROWTH = 65_536;

class ModuleText {
  readonly symbols: Symbols;
  readonly uses: ModuleUses = {
    types: new Set(),
    changed: new Set(),
    grown: new Set(),
    data: new Set(),
    elements: new Set(),
    tailCalled: new Set(),
    tailCallsIndirect: false,
    tailValues: 0,
  };
  readonly #tailCallers = new Set<number>();
  readonly #declarations: string[] = [];
  readonly #definitions: string[] = [];

  constructor(
    readonly module: WasmModule,
    readonly options: EmitOptions,
  ) {
    const { imports, functions, functionNames } = module;
    const imported = imports.filter(({ kind }) => kind === "function");
    this.symbols = new Symbols(options.prefix, imported, functions.length, functionNames);
  }

  get #linkage(): string {
    return this.options.oneFile ? "static " : "";
  }

  /** A variable, which is here if there is one file, else in the one that defines all of them. */
  #define(declaration: string, initial: string): void {
    if (this.options.oneFile) this.#definitions.push(`static ${declaration}${initial};`);
    else {
      this.#declarations.push(`extern ${declaration};`);
      this.#definitions.push(`${declaration}${initial};`);
    }
  }

  #signature(name: string, type: FunctionType, names?: readonly string[]): string {
    const parameters = type.parameters
      .map((one, at) => `${C_TYPES[one]} ${names?.[at] ?? `p${at}`}`)
      .join(", ");
    return `${this.#linkage}${resultType(type)} ${name}(${parameters || "void"})`;
  }

  functions(sink: Sink): void {
    const { module, symbols, uses, options } = this;
    const lines = options.sourceMap === "" ? null : new LineTable(options.sourceMap);
    module.functions.forEach((type, index) => {
      if (index < module.importedFunctions) return;
      const { state, variables } = lowerFunction(module, symbols, uses, options, index, lines);
      const name = state.makesTailCalls ? symbols.tailBody(index) : symbols.function(index);
      const before = [`${this.#signature(name, type, state.localNames)} {`, ...variables].join(
        "\n",
      );
      const body = module.bodies[index - module.importedFunctions];
      sink.function(state.statements, before, "}", (body?.end ?? 0) - (body?.start ?? 0));
      if (!state.makesTailCalls) return;
      this.#tailCallers.add(index);
      sink.text(tailCaller(symbols, index, type, this.#signature(symbols.function(index), type)));
    });
    if (uses.tailCallsIndirect) for (const index of module.declared) uses.tailCalled.add(index);
    for (const index of uses.tailCalled) {
      const signature = `${this.#linkage}void ${symbols.tailEntry(index)}(void)`;
      sink.text(tailEntry(module, symbols, index, this.#tailCallers.has(index), signature));
    }
  }

  /** `entry` and the start function are what backtraces end in: they stay functions of their own. */
  #prototypes(entry: number | null): string[] {
    const { module, symbols, uses } = this;
    const lines: string[] = [];
    const structures = new Map<string, FunctionType>();
    for (const type of [...module.functions, ...uses.types])
      if (type.results.length > 1) structures.set(resultType(type), type);
    for (const type of structures.values()) lines.push(resultDefinition(type));
    const pointers = new Map([...uses.types].map((type) => [type.id, type]));
    for (const type of pointers.values())
      lines.push(`typedef ${resultType(type)} ${symbols.type(type)}(${parameterTypes(type)});`);
    module.functions.forEach((type, index) => {
      const linkage = index < module.importedFunctions ? "" : this.#linkage;
      const kept = index === entry || index === module.start ? "__attribute__((noinline)) " : "";
      const of = (name: string): string =>
        `${linkage}${kept}${resultType(type)} ${name}(${parameterTypes(type)});`;
      lines.push(of(symbols.function(index)));
      if (this.#tailCallers.has(index)) lines.push(of(symbols.tailBody(index)));
    });
    for (const index of uses.tailCalled)
      lines.push(`${this.#linkage}void ${symbols.tailEntry(index)}(void);`);
    return lines;
  }

  #functionReference(index: number): string {
    const code = `(void (*)(void))${this.symbols.function(index)}`;
    const tail = this.uses.tailCallsIndirect ? this.symbols.tailEntry(index) : "NULL";
    return `{${code}, ${tail}, ${this.module.functions[index]?.id ?? 0}}`;
  }

  #references(): string[] {
    return [...this.module.declared].map(
      (index) =>
        `#define ${this.symbols.reference(index)} ((funcref)${this.#functionReference(index)})`,
    );
  }

  #globals(): string[] {
    const set: string[] = [];
    this.module.globals.forEach(({ type, initial }, index) => {
      const name = this.symbols.global(index);
      const declaration = `${C_TYPES[type]} ${name}`;
      if (initial === null) return;
      if ("bits" in initial) {
        const text = literal(initial.type, initial.bits);
        const known = isStaticLiteral(initial.type, initial.bits);
        this.#define(declaration, known ? ` = ${text}` : "");
        if (!known) set.push(`${name} = ${text};`);
      } else if (initial.function === null) this.#define(declaration, "");
      else this.#define(declaration, ` = ${this.#functionReference(initial.function)}`);
    });
    return set;
  }

  /** A table's elements, or null if a segment does not fit: then instantiating the module traps. */
  #contents(index: number, { minimum }: WasmTable): Map<number, number | null> | null {
    const contents = new Map<number, number | null>();
    for (const segment of this.module.elements) {
      if (segment.mode !== "active" || segment.table !== index) continue;
      if (segment.offset + segment.elements.length > minimum) return null;
      segment.elements.forEach((element, at) => contents.set(segment.offset + at, element));
    }
    return contents;
  }

  /** Returns whether all segments fit. */
  #tables(): boolean {
    const { uses, symbols } = this;
    let fit = true;
    this.module.tables.forEach((table, index) => {
      const name = symbols.table(index);
      const growth = uses.grown.has(index)
        ? Math.min(TABLE_GROWTH, (table.maximum ?? Infinity) - table.minimum)
        : 0;
      const room = Math.max(1, table.minimum + growth);
      const contents = this.#contents(index, table);
      fit &&= contents !== null;
      const constant = uses.changed.has(index) ? "" : "const ";
      const elements = [...(contents ?? [])].flatMap(([at, element]) =>
        element === null ? [] : [`\n  [${at}] = ${this.#functionReference(element)},`],
      );
      this.#define(
        `${constant}${table.element} ${name}[${room}]`,
        elements.length === 0 ? "" : ` = {${elements.join("")}\n}`,
      );
      if (uses.grown.has(index)) {
        this.#define(`u32 ${name}_size`, ` = ${table.minimum}`);
        this.#declarations.push(`enum { ${name}_most = ${table.minimum + growth} };`);
      } else
        this.#declarations.push(
          `enum { ${name}_size_ = ${table.minimum}, ${name}_most = ${table.minimum} };`,
          `#define ${name}_size ((u32)${name}_size_)`,
        );
    });
    return fit;
  }

  #elementSegment({ mode, type, elements }: ElementSegment, index: number): void {
    const name = this.symbols.elements(index);
    // What is put in place when the module is instantiated is dropped then.
    const size = mode === "passive" ? elements.length : 0;
    this.#define(`u32 ${name}_size`, ` = ${size}`);
    const texts = elements
      .slice(0, size)
      .map((element) =>
        element === null ? (type === "funcref" ? "{0}" : "0") : this.#functionReference(element),
      );
    this.#define(
      `const ${type} ${name}[${Math.max(1, size)}]`,
      texts.length === 0 ? "" : ` = {\n  ${texts.join(",\n  ")}\n}`,
    );
  }

  /** Returns the statements that copy the active ones. */
  #data(): string[] {
    const { uses, symbols, options } = this;
    return this.module.data.flatMap((segment, index) => {
      const { offset, bytes } = segment;
      const name = symbols.data(index);
      const copied = offset !== null && options.copied.has(segment);
      const passive = offset === null && uses.data.has(index);
      if (uses.data.has(index))
        this.#define(`u32 ${name}_size`, ` = ${passive ? bytes.length : 0}`);
      if (copied || uses.data.has(index)) {
        const room = Math.max(1, copied || passive ? bytes.length : 0);
        this.#define(
          `const u8 ${name}[${room}]`,
          copied || passive ? ` = ${bytesLiteral(bytes)}` : "",
        );
      }
      if (!copied) return [];
      return [`memory_init(${name}, ${bytes.length}u, ${offset}u, 0u, ${bytes.length}u);`];
    });
  }

  /** The header; and two functions, of which the second is the program. Both are visible to any file. */
  rest(entry: number | null): { header: string; footer: string } {
    const { module, symbols, uses, options } = this;
    if (uses.tailCalled.size > 0 || uses.tailCallsIndirect)
      for (const [declaration, initial] of tailVariables(symbols, uses))
        this.#define(declaration, initial);
    const prototypes = this.#prototypes(entry);
    const set = this.#globals();
    const fit = this.#tables();
    for (const index of uses.elements) {
      const segment = module.elements[index];
      if (segment) this.#elementSegment(segment, index);
    }
    const copies = this.#data();
    const instantiate = [
      `memory_pages = ${module.memory?.minimum ?? 0};`,
      ...set,
      ...(fit ? [] : ["TRAP(TABLE_OOB);"]),
      ...copies,
      ...(module.start === null ? [] : [`${symbols.function(module.start)}();`]),
    ];
    const run = entry === null ? "" : ` ${symbols.function(entry)}(); `;
    const { prefix } = options;
    const guarded = options.oneFile
      ? this.#definitions
      : [`#ifdef ${prefix}DEFINITIONS`, ...this.#definitions, "#endif"];
    return {
      header: [
        ...prototypes,
        ...this.#references(),
        ...this.#declarations,
        ...guarded,
        `void ${prefix}instantiate(void), ${prefix}start(void);`,
        "",
      ].join("\n"),
      footer: [
        `void ${prefix}instantiate(void) {`,
        ...instantiate.map((line) => `  ${line}`),
        "}",
        `void ${prefix}start(void) {${run}}`,
        "",
      ].join("\n"),
    };
  }
}

/**
 * Lowers all functions into `sink`, and returns what goes before them. `entry`: the function that is the program. Throws
 * BuildError, in one sentence, for a function that is not valid or that uses what the lowering does not implement.
 */
export function emitModule(
  module: WasmModule,
  options: EmitOptions,
  entry: number | null,
  sink: Sink,
): string {
  const text = new ModuleText(module, options);
  text.functions(sink);
  const { header, footer } = text.rest(entry);
  sink.text(footer);
  return header;
}
