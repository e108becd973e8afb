// From a script to what a guest does: its modules lowered to C, and a table of steps. What needs no guest is judged here:
// a module that is not valid is to be refused.

import { BuildError } from "../../src/host/build/build-error.js";
import {
  typeText,
  type FunctionType,
  type WasmModule,
} from "../../src/host/build/lower/decode/module.js";
import { decodeModule } from "../../src/host/build/lower/decode/sections.js";
import { C_TYPES, LETTERS, Symbols, resultType } from "../../src/host/build/lower/emit/symbols.js";
import { assemble } from "../fuzz/assemble.js";
import { loweredText } from "../fuzz/batch.js";
import { linked, NotLinked, SPECTEST_FUNCTIONS } from "./linking.js";
import { readScript, type Action, type Command, type ModuleText } from "./script.js";
import { readValues, type Value } from "./values.js";

export interface Note {
  line: number;
  why: string;
}

export interface PreparedScript {
  name: string;
  /** The C of its modules and steps; empty: there are none. */
  text: string;
  /** What the steps are, in the order of their numbers, from `firstStep` on. */
  steps: Note[];
  firstStep: number;
  /** Assertions that held without a guest. */
  right: number;
  wrong: Note[];
  /** Assertions about what a guest is not: told, and counted as nothing else. */
  skipped: Note[];
}

/** The kind of trap, by the specification's messages. */
const TRAPS: [message: RegExp, kind: string][] = [
  [/^unreachable/, "unreachable"],
  [/^out of bounds memory access/, "out-of-bounds"],
  [/^integer divide by zero/, "divide-by-zero"],
  [/^integer overflow/, "integer-overflow"],
  [/^invalid conversion to integer/, "invalid-conversion"],
  [/^(?:out of bounds table access|undefined element)/, "table-out-of-bounds"],
  [/^uninitialized element/, "indirect-call-null"],
  [/^indirect call type mismatch/, "indirect-call-type"],
  [/^call stack exhausted/, "stack-overflow"],
];

function trapKind(message: string): string {
  const kind = TRAPS.find(([pattern]) => pattern.test(message))?.[1];
  if (kind === undefined) throw new NotLinked(`expects a trap of an unknown kind: ${message}`);
  return kind;
}

interface Instance {
  module: WasmModule;
  symbols: Symbols;
  prefix: string;
}

const hex = (bits: bigint): string =>
  `{0x${(bits & 0xffffffffffffffffn).toString(16)}u, 0x${(bits >> 64n).toString(16)}u}`;

/** A page of linear memory's worth that no guest here has. */
const MOST_PAGES = 2048;

class Preparation {
  readonly script: PreparedScript;
  readonly #prefix: string;
  readonly #texts: string[] = [];
  readonly #rows: string[] = [];
  readonly #named = new Map<string, Instance>();
  readonly #registered = new Map<string, Instance>();
  readonly #wrappers = new Map<string, string>();
  #last: Instance | null = null;
  /** Why there is no last module. */
  #missing = "no module";
  /** Whose memory is at address 0. */
  #owner: Instance | null = null;
  #instances = 0;
  #imports = 0;

  constructor(
    name: string,
    readonly index: number,
    firstStep: number,
    readonly values: Map<string, Value>,
  ) {
    this.#prefix = `s${index}`;
    this.script = { name, text: "", steps: [], firstStep, right: 0, wrong: [], skipped: [] };
  }

  /** The C function that stands for an import, which is renamed to `wast` and the number. */
  #import(number: number, module: string, name: string, type: FunctionType): string {
    const parameters = type.parameters.map((one, at) => `${C_TYPES[one]} p${at}`);
    const signature = `${resultType(type)} import_wast_${number}(${parameters.join(", ") || "void"})`;
    if (module === "spectest") {
      const known = SPECTEST_FUNCTIONS[name];
      if (known === undefined || `${known} ->`.trim() !== typeText(type))
        throw new NotLinked(`imports a function that spectest has not: ${name}`);
      return `${signature} {}`;
    }
    const instance = this.#registered.get(module);
    const found = instance?.module.exports.find((one) => one.name === name);
    const wanted = found === undefined ? undefined : instance?.module.functions[found.index];
    if (!instance || found?.kind !== "function" || !wanted || typeText(wanted) !== typeText(type))
      throw new NotLinked(`imports a function that is not there: ${module}.${name}`);
    if (instance.module.memory !== null) throw new NotLinked("calls a module with another memory");
    const values = parameters.map((_, at) => `p${at}`).join(", ");
    const call = `${instance.symbols.function(found.index)}(${values})`;
    return `${signature} { ${type.results.length > 0 ? "return " : ""}${call}; }`;
  }

  async #instance({ form, bytes, text, name }: ModuleText): Promise<Instance> {
    const wasm = form === "binary" ? bytes : await this.#assembled(form, bytes, text);
    const first = this.#imports;
    const { wasm: own, functions } = linked(wasm, (at) => `${this.#prefix}_${first + at}`);
    const module = decodeModule(own);
    const pages = module.memory?.minimum ?? 0;
    if (pages > MOST_PAGES) throw new NotLinked(`has a memory of ${pages} pages`);
    const prefix = `${this.#prefix}m${this.#instances++}_`;
    // Lowered first: what is not valid is not to leave half of it.
    const lowered = loweredText(module, prefix);
    const imported = module.imports.filter(({ kind }) => kind === "function");
    const symbols = new Symbols(prefix, imported, module.functions.length, module.functionNames);
    const forwards = functions.map((one, at) => {
      const type = module.functions[at];
      if (type === undefined) throw new Error("an import without a type");
      return this.#import(first + at, one.module, one.name, type).replace(
        `import_wast_${first + at}`,
        symbols.function(at),
      );
    });
    this.#imports += functions.length;
    this.#texts.push(lowered, ...forwards);
    const instance = { module, symbols, prefix };
    if (name !== "") this.#named.set(name, instance);
    return instance;
  }

  async #assembled(form: string, bytes: Buffer, text: string): Promise<Uint8Array> {
    return assemble(form === "quote" ? `(module ${bytes.toString()})` : text);
  }

  #step(line: number, what: string, row: string): void {
    const number = this.script.firstStep + this.script.steps.length;
    this.script.steps.push({ line, why: what });
    this.#rows.push(`  {.number = ${number}, ${row}},`);
  }

  #instantiate(line: number, instance: Instance, trap: string | null): void {
    const { module, prefix } = instance;
    if (module.memory !== null) this.#owner = instance;
    const memory = `.memory = ${module.memory !== null}, .pages = ${module.memory?.minimum ?? 0}`;
    const expected = trap === null ? "" : `, .trap = "${trap}"`;
    this.#step(line, "instantiation", `.instantiate = ${prefix}instantiate, ${memory}${expected}`);
  }

  /** A C function that calls an export, or reads it. */
  #wrapper(instance: Instance, action: Action): { name: string; type: FunctionType } {
    const { module, symbols, prefix } = instance;
    const found = module.exports.find(
      ({ name }) => Buffer.from(name).toString("latin1") === action.name,
    );
    const isGlobal = action.kind === "get";
    if (found?.kind !== (isGlobal ? "global" : "function"))
      throw new Error(`there is no ${action.kind} of "${action.name}"`);
    const { index } = found;
    const global = module.globals[index];
    const type = isGlobal
      ? { parameters: [], results: global ? [global.type] : [], id: 0 }
      : (module.functions[index] ?? { parameters: [], results: [], id: 0 });
    const name = `${prefix}${isGlobal ? "get" : "call"}${index}`;
    if (!this.#wrappers.has(name)) {
      const values = type.parameters.map((one, at) =>
        one === "funcref" ? "NULL_FUNCREF" : `a[${at}].${LETTERS[one]}`,
      );
      const call = isGlobal
        ? symbols.global(index)
        : `${symbols.function(index)}(${values.join(", ")})`;
      const one = (at: number, text: string): string =>
        type.results[at] === "funcref"
          ? `r[${at}].j = ${text}.code != NULL;`
          : `r[${at}].${LETTERS[type.results[at] ?? "i32"]} = ${text};`;
      const body =
        type.results.length === 0
          ? `${call};`
          : type.results.length === 1
            ? one(0, call)
            : `${resultType(type)} all = ${call}; ${type.results.map((_, at) => one(at, `all.r${at}`)).join(" ")}`;
      const text = `static void ${name}(const union wast_value *a, union wast_value *r) { ${body} }`;
      this.#wrappers.set(name, text);
      this.#texts.push(text);
    }
    return { name, type };
  }

  #valuesOf(texts: string[], types: readonly string[]): Value[] {
    if (texts.length !== types.length)
      throw new NotLinked(`gives or expects ${texts.length} values, of ${types.length}`);
    return texts.map((text, at) => {
      // `(ref.null)` is of the type that is wanted.
      const value = this.values.get(text);
      if (value === undefined) throw new NotLinked(`has a value that is not read: ${text}`);
      const reference = value.bits === 0n && types[at]?.endsWith("ref");
      if (value.type !== types[at] && !reference)
        throw new NotLinked(`gives or expects ${value.type}, of ${types[at] ?? ""}`);
      return value;
    });
  }

  #call(line: number, action: Action, wanted: string[] | null, trap: string | null): void {
    const instance =
      action.instance === "" ? this.#last : (this.#named.get(action.instance) ?? null);
    if (instance === null) throw new NotLinked(this.#missing);
    if (instance.module.memory !== null && this.#owner !== instance)
      throw new NotLinked("calls a module whose memory has made room for another's");
    const { name, type } = this.#wrapper(instance, action);
    const values = this.#valuesOf(action.arguments, type.parameters);
    if (values.some((one) => one.type === "funcref" && one.bits !== 0n))
      throw new NotLinked("gives a function");
    const results = wanted === null ? [] : this.#valuesOf(wanted, type.results);
    const fields = [`.call = ${name}`];
    if (values.length > 0) {
      const all = values.map(({ bits }) => `{.bits = ${hex(bits)}}`);
      fields.push(`.arguments = (const union wast_value[]){${all.join(", ")}}`);
    }
    if (results.length > 0) {
      const all = results.map(({ bits, mask }) => `{${hex(bits)}, ${hex(mask)}}`);
      fields.push(
        `.results = (const struct wast_expected[]){${all.join(", ")}}, .result_count = ${results.length}`,
      );
    }
    if (trap !== null) fields.push(`.trap = "${trap}"`);
    this.#step(line, `${action.kind} "${action.name}"`, fields.join(", "));
  }

  /** Whether the module is refused, in one sentence. */
  async #refused(line: number, module: ModuleText, how: string): Promise<void> {
    // How a text is written is the assembler's business, and which modules fit together is not a guest's.
    if (module.form === "quote" || how === "assert_unlinkable")
      throw new NotLinked(
        how === "assert_unlinkable" ? "is about linking" : "is about the text format",
      );
    let wasm: Uint8Array;
    try {
      wasm = module.form === "binary" ? module.bytes : await assemble(module.text, ["--no-check"]);
    } catch {
      throw new NotLinked("is about the text format");
    }
    try {
      loweredText(decodeModule(wasm), "x_");
    } catch (error) {
      if (!(error instanceof BuildError)) throw error;
      this.script.right++;
      return;
    }
    this.script.wrong.push({ line, why: "a module that is not valid is taken" });
  }

  async #command(command: Command): Promise<void> {
    const { line } = command;
    switch (command.kind) {
      case "module":
        this.#last = null;
        try {
          const instance = await this.#instance(command.module);
          this.#instantiate(line, instance, null);
          this.#last = instance;
        } catch (error) {
          this.#missing = `its module ${error instanceof NotLinked ? error.message : (error as Error).message.split("\n")[0]}`;
          if (command.module.name !== "") this.#named.delete(command.module.name);
          // A module that nothing is asserted of says that it is valid.
          throw error;
        }
        return;
      case "register": {
        const instance = command.instance === "" ? this.#last : this.#named.get(command.instance);
        if (instance) this.#registered.set(command.as, instance);
        return;
      }
      case "action":
        this.#call(line, command.action, null, null);
        return;
      case "return":
        this.#call(line, command.action, command.results, null);
        return;
      case "trap":
        this.#call(line, command.action, null, trapKind(command.message));
        return;
      case "start-trap":
        this.#instantiate(line, await this.#instance(command.module), trapKind(command.message));
        return;
      case "refused":
        await this.#refused(line, command.module, command.how);
        return;
      case "unknown":
        throw new NotLinked(`is a "${command.what}", which is not known here`);
    }
  }

  async run(commands: Command[]): Promise<PreparedScript> {
    for (const command of commands) {
      try {
        await this.#command(command);
      } catch (error) {
        const { line } = command;
        const why = (error as Error).message.split("\n").slice(0, 2).join(" ");
        const other = error instanceof NotLinked || why.includes("unsupported Wasm feature");
        // The assembler's words: a text of a later proposal.
        const unread = /\.wat:\d+/.test(why);
        (other || unread ? this.script.skipped : this.script.wrong).push({ line, why });
      }
    }
    const { script } = this;
    if (script.steps.length > 0)
      script.text = [
        '#include "driver.h"',
        ...this.#texts,
        `static const struct wast_step steps[] = {\n${this.#rows.join("\n")}\n};`,
        `const struct wast_script script${this.index} = {steps, ${script.steps.length}};`,
        "",
      ].join("\n");
    return script;
  }
}

/** The values that a script's commands name. */
function* valueTexts(commands: Command[]): Generator<string> {
  for (const command of commands) {
    if ("action" in command) yield* command.action.arguments;
    if (command.kind === "return") yield* command.results;
  }
}

/** `index`: its number among the scripts of one image; its steps are numbered from `firstStep` on. */
export async function prepareScript(
  name: string,
  text: string,
  index: number,
  firstStep: number,
): Promise<PreparedScript> {
  const commands = readScript(text);
  const values = await readValues(valueTexts(commands));
  return new Preparation(name, index, firstStep, values).run(commands);
}
