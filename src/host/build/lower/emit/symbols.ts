// What things of a module are called in C.

import type { FunctionType, ValueType } from "../decode/module.js";

/** Longer names are cut: ld and gdb have to show them. */
const LONGEST = 200;

/**
 * A name as part of a C name: letters, digits and `_` stay, every other byte of its UTF-8 is 0xHH. The `0` of a `0x` in
 * the name itself is written so, too, so that reading from left to right is exact (../../symbols/demangle.ts).
 */
export function mangled(name: string): string {
  let text = "";
  const bytes = Buffer.from(name);
  for (let at = 0; at < bytes.length && text.length < LONGEST; at++) {
    const byte = bytes[at] ?? 0;
    const character = String.fromCharCode(byte);
    const plain = /\w/.test(character) && !(character === "0" && bytes[at + 1] === 0x78);
    text += plain ? character : `0x${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return text;
}

export const C_TYPES: Record<ValueType, string> = {
  i32: "u32",
  i64: "u64",
  f32: "f32",
  f64: "f64",
  v128: "v128",
  funcref: "funcref",
  externref: "externref",
};

/** One letter for each, in the names of variables and structures. */
export const LETTERS: Record<ValueType, string> = {
  i32: "i",
  i64: "j",
  f32: "f",
  f64: "d",
  v128: "v",
  funcref: "r",
  externref: "e",
};

const lettersOf = (types: ValueType[]): string => types.map((type) => LETTERS[type]).join("");

/** The C type of what a function returns: several results are a structure's members r0, r1, … */
export function resultType({ results }: FunctionType): string {
  const [only] = results;
  if (only === undefined) return "void";
  return results.length === 1 ? C_TYPES[only] : `struct results_${lettersOf(results)}`;
}

/** The structure's definition, which any number of modules in one file may have. */
export function resultDefinition({ results }: FunctionType): string {
  const letters = lettersOf(results);
  const members = results.map((type, index) => `${C_TYPES[type]} r${index};`).join(" ");
  return `#ifndef RESULTS_${letters}\n#define RESULTS_${letters}\nstruct results_${letters} { ${members} };\n#endif\n`;
}

export function parameterTypes({ parameters }: FunctionType): string {
  return parameters.length === 0 ? "void" : parameters.map((type) => C_TYPES[type]).join(", ");
}

/** Names of one module, all with its prefix. */
export class Symbols {
  readonly #functions: string[] = [];
  readonly #taken = new Set<string>();

  constructor(
    readonly prefix: string,
    imports: { module: string; name: string }[],
    count: number,
    names: Map<number, string>,
  ) {
    for (const { module, name } of imports)
      this.#functions.push(`import_${mangled(module)}_${mangled(name)}`);
    for (let index = imports.length; index < count; index++) {
      const plain = `${prefix}fn_${mangled(names.get(index) ?? `${index}`)}`;
      // What no mangled name ends in.
      const unique = this.#taken.has(plain) ? `${plain}0xN${index}` : plain;
      this.#taken.add(unique);
      this.#functions.push(unique);
    }
  }

  function(index: number): string {
    return this.#functions[index] ?? "";
  }

  /** A reference to a function, as an expression. */
  reference(index: number): string {
    return `${this.prefix}ref${index}`;
  }

  /** The function as a tail call has it called: its values are in their place. */
  tailEntry(index: number): string {
    return `${this.function(index)}0xT`;
  }

  /** The body of a function that makes tail calls. */
  tailBody(index: number): string {
    return `${this.function(index)}0xB`;
  }

  global(index: number): string {
    return `${this.prefix}g${index}`;
  }

  table(index: number): string {
    return `${this.prefix}t${index}`;
  }

  elements(index: number): string {
    return `${this.prefix}e${index}`;
  }

  data(index: number): string {
    return `${this.prefix}d${index}`;
  }

  /** Of a function type. */
  type({ id }: FunctionType): string {
    return `${this.prefix}type${id}`;
  }
}
