// Modules that compute: Binaryen's fuzzer is strong in control flow and structure, and has an addition here and there.
// These are dense in every numeric instruction, on operands at the edges, with memory, globals and calls between.

import { random } from "../fixtures/random.js";
import { assemble } from "./assemble.js";

type Type = "i32" | "i64" | "f32" | "f64";
const TYPES: Type[] = ["i32", "i64", "f32", "f64"];

const INTEGER = {
  unary: ["clz", "ctz", "popcnt", "extend8_s", "extend16_s"],
  binary: ["add", "sub", "mul", "and", "or", "xor", "shl", "shr_s", "shr_u", "rotl", "rotr"],
  /** May trap. */
  division: ["div_s", "div_u", "rem_s", "rem_u"],
  comparison: ["eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"],
  loads: ["load", "load8_s", "load8_u", "load16_s", "load16_u"],
  stores: ["store", "store8", "store16"],
};
const FLOAT = {
  unary: ["abs", "neg", "ceil", "floor", "trunc", "nearest", "sqrt"],
  binary: ["add", "sub", "mul", "div", "min", "max", "copysign"],
  comparison: ["eq", "ne", "lt", "gt", "le", "ge"],
};
/** `result.operation_operand[_sign]`, by result. */
const CONVERSIONS: Record<Type, [operation: string, from: Type][]> = {
  i32: [
    ["wrap_i64", "i64"],
    ["reinterpret_f32", "f32"],
    ...(["f32", "f64"] as const).flatMap((from): [string, Type][] =>
      ["trunc_sat", "trunc"].flatMap((how): [string, Type][] =>
        ["s", "u"].map((sign): [string, Type] => [`${how}_${from}_${sign}`, from]),
      ),
    ),
  ],
  i64: [
    ["extend_i32_s", "i32"],
    ["extend_i32_u", "i32"],
    ["extend32_s", "i64"],
    ["reinterpret_f64", "f64"],
    ...(["f32", "f64"] as const).flatMap((from): [string, Type][] =>
      ["trunc_sat", "trunc"].flatMap((how): [string, Type][] =>
        ["s", "u"].map((sign): [string, Type] => [`${how}_${from}_${sign}`, from]),
      ),
    ),
  ],
  f32: [
    ["demote_f64", "f64"],
    ["reinterpret_i32", "i32"],
    ["convert_i32_s", "i32"],
    ["convert_i32_u", "i32"],
    ["convert_i64_s", "i64"],
    ["convert_i64_u", "i64"],
  ],
  f64: [
    ["promote_f32", "f32"],
    ["reinterpret_i64", "i64"],
    ["convert_i32_s", "i32"],
    ["convert_i32_u", "i32"],
    ["convert_i64_s", "i64"],
    ["convert_i64_u", "i64"],
  ],
};
const INTEGERS = [
  "0",
  "1",
  "-1",
  "2",
  "7",
  "31",
  "32",
  "63",
  "255",
  "-128",
  "32768",
  "65535",
  "0x7fffffff",
  "-0x80000000",
];
const CONSTANTS: Record<Type, string[]> = {
  i32: INTEGERS,
  i64: [...INTEGERS, "0xffffffff", "0x100000000", "0x7fffffffffffffff", "-0x8000000000000000"],
  f32: [
    "0",
    "-0",
    "1",
    "-1",
    "0.5",
    "1.5",
    "2.5",
    "-3.7",
    "0x1p-149",
    "0x1.fffffep127",
    "0x1p31",
    "-0x1p31",
    "0x1p32",
    "0x1p63",
    "0x1p64",
    "inf",
    "-inf",
    "nan",
    "16777217",
  ],
  f64: [
    "0",
    "-0",
    "1",
    "-1",
    "0.5",
    "1.5",
    "2.5",
    "-3.7",
    "0x1p-1074",
    "0x1.fffffffffffffp1023",
    "0x1p31",
    "-2147483649",
    "0x1p32",
    "0x1p63",
    "0x1p64",
    "inf",
    "-inf",
    "nan",
    "9007199254740993",
    "0x1.00000000000008p0",
  ],
};
const FUNCTIONS = 8;

class Generator {
  readonly #pick: (below: number) => number;
  #callable = 0;

  constructor(seed: number) {
    this.#pick = random(seed);
  }

  #one<T>(items: readonly T[]): T {
    return items[this.#pick(items.length)] as T;
  }

  /** A NaN that an operation makes has any sign and payload: what may see its bits, sees a 0 instead. */
  #settled(type: Type, expression: string): string {
    return type.startsWith("f") ? `(call $settled_${type} ${expression})` : expression;
  }

  /** Mostly in memory, at any alignment; one in sixty anywhere. */
  #address(depth: number): string {
    const value = this.#expression("i32", depth);
    return this.#pick(60) === 0 ? value : `(i32.and ${value} (i32.const 0xfff))`;
  }

  #leaf(type: Type): string {
    const what = this.#pick(3);
    if (what === 0) return `(${type}.const ${this.#one(CONSTANTS[type])})`;
    if (what === 1) return `(global.get $${type})`;
    return `(local.get $${type}${this.#pick(3)})`;
  }

  #expression(type: Type, depth: number): string {
    if (depth === 0) return this.#leaf(type);
    const next = (of: Type = type): string => this.#expression(of, depth - 1);
    const integer = type.startsWith("i");
    const kinds = integer ? INTEGER : FLOAT;
    switch (this.#pick(11)) {
      case 0:
        return this.#settled(type, `(${type}.${this.#one(kinds.unary)} ${next()})`);
      case 1: {
        if (!integer || this.#pick(2) === 0) break;
        // A divisor that is 0 now and then.
        const divisor = this.#pick(6) === 0 ? next() : `(${type}.or ${next()} (${type}.const 1))`;
        return `(${type}.${this.#one(INTEGER.division)} ${next()} ${divisor})`;
      }
      case 2: {
        const [operation, from] = this.#one(CONVERSIONS[type]);
        const traps = operation.startsWith("trunc_f");
        if (traps && this.#pick(3) > 0) break;
        return this.#settled(type, `(${type}.${operation} ${next(from)})`);
      }
      case 3: {
        if (type !== "i32") break;
        const of = this.#one(TYPES);
        if (of.startsWith("i") && this.#pick(4) === 0) return `(i32.eqz ${next("i32")})`;
        const operation = this.#one((of.startsWith("i") ? INTEGER : FLOAT).comparison);
        return `(${of}.${operation} ${next(of)} ${next(of)})`;
      }
      case 4: {
        const load = integer ? this.#one(INTEGER.loads) : "load";
        const loaded = `(${type}.${load} offset=${this.#pick(5000)} ${this.#address(depth - 1)})`;
        return this.#settled(type, loaded);
      }
      case 5:
        return `(select ${next()} ${next()} ${next("i32")})`;
      case 6:
        return `(if (result ${type}) ${next("i32")} (then ${next()}) (else ${next()}))`;
      case 7: {
        if (this.#callable === 0) break;
        const callee = this.#pick(this.#callable);
        if (TYPES[callee % 4] !== type) break;
        const values = TYPES.map((of) => this.#leaf(of)).join(" ");
        // Through the table: mostly the right one, else whatever is there.
        if (this.#pick(2) === 0) return `(call $f${callee} ${values})`;
        const index = this.#pick(6) === 0 ? this.#leaf("i32") : `(i32.const ${callee})`;
        return `(call_indirect (type $${type}) ${values} ${index})`;
      }
      default:
    }
    return this.#settled(type, `(${type}.${this.#one(kinds.binary)} ${next()} ${next()})`);
  }

  #statement(): string {
    const type = this.#one(TYPES);
    const value = this.#expression(type, 3);
    switch (this.#pick(6)) {
      case 0:
        return `(global.set $${type} ${value})`;
      case 1: {
        const store = type.startsWith("i") ? this.#one(INTEGER.stores) : "store";
        return `(${type}.${store} offset=${this.#pick(5000)} ${this.#address(1)} ${value})`;
      }
      case 2:
        return `(block $out (br_if $out ${this.#expression("i32", 2)}) (local.set $${type}${this.#pick(3)} ${value}))`;
      case 3:
        return `(local.set $turns (i32.const ${1 + this.#pick(20)}))
          (loop $again (local.set $${type}${this.#pick(3)} ${value})
            (br_if $again (local.tee $turns (i32.sub (local.get $turns) (i32.const 1)))))`;
      default:
        return `(local.set $${type}${this.#pick(3)} ${value})`;
    }
  }

  text(): string {
    const functions = Array.from({ length: FUNCTIONS }, (_, index) => {
      // Only those before it, so that nothing calls itself.
      this.#callable = index;
      const type = TYPES[index % 4] ?? "i32";
      const locals = TYPES.flatMap((of) => [1, 2].map((number) => `(local $${of}${number} ${of})`));
      const statements = Array.from({ length: 6 }, () => this.#statement());
      return `(func $f${index} ${TYPES.map((of) => `(param $${of}0 ${of})`).join(" ")} (result ${type})
        ${locals.join(" ")} (local $turns i32)
        ${statements.join("\n")}
        ${this.#expression(type, 3)})`;
    });
    return `(module
      (memory 1)
      (table ${FUNCTIONS + 2} funcref)
      (elem (i32.const 0) ${functions.map((_, index) => `$f${index}`).join(" ")})
      ${TYPES.map((of) => `(type $${of} (func (param ${TYPES.join(" ")}) (result ${of})))`).join("\n")}
      ${TYPES.map((of) => `(global $${of} (mut ${of}) (${of}.const ${this.#one(CONSTANTS[of].filter((text) => text !== "nan"))}))`).join("\n")}
      (data (i32.const ${this.#pick(4096)}) "${Array.from({ length: 64 }, () => `\\${this.#pick(0x7f).toString(16).padStart(2, "0")}`).join("")}")
      ${["f32", "f64"]
        .map(
          (of) =>
            `(func $settled_${of} (param $x ${of}) (result ${of})
              (select (local.get $x) (${of}.const 0) (${of}.eq (local.get $x) (local.get $x))))`,
        )
        .join("\n")}
      ${functions.join("\n")})`;
  }
}

/** A module that computes, from its seed. */
export async function arithmeticModule(seed: number): Promise<Uint8Array> {
  return assemble(new Generator(seed).text());
}
