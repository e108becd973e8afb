// Numeric instructions. What C has an operator for is that; everything else is a function of runtime/wasm/numeric.h, by
// the instruction's name.
// https://webassembly.github.io/spec/core/exec/numerics.html

import type { Bytes } from "../decode/bytes.js";
import { unsupported } from "../decode/errors.js";
import type { NumberType, ValueType } from "../decode/module.js";
import type { FunctionState, Handler } from "./function-state.js";

type Text = (a: string, b: string) => string;
type Integer = "i32" | "i64";
type Float = "f32" | "f64";

const HANDLERS: Record<number, Handler> = {};

function define(
  code: number,
  parameters: readonly ValueType[],
  result: NumberType,
  text: Text,
): void {
  HANDLERS[code] = (f) => {
    f.operation(parameters, result, ([a = "", b = ""]) => text(a, b));
  };
}

/** A C function of one or two operands. */
const named =
  (name: string): Text =>
  (a, b) =>
    b === "" ? `${name}(${a})` : `${name}(${a}, ${b})`;
const infix =
  (operator: string): Text =>
  (a, b) =>
    `${a} ${operator} ${b}`;
const cast =
  (...types: string[]): Text =>
  (a) =>
    types.map((type) => `(${type})`).join("") + a;
/** The operands as signed numbers. */
const signed =
  (type: Integer, operator: string): Text =>
  (a, b) => {
    const to = type === "i32" ? "(s32)" : "(s64)";
    return `${to}${a} ${operator} ${to}${b}`;
  };
/** A count below the width: of a constant, that is it. */
function count(type: Integer, b: string): string {
  const width = type === "i32" ? 32n : 64n;
  const constant = /^(?:0x[0-9a-f]+|\d+)(?=u)/.exec(b)?.[0];
  return constant === undefined
    ? `(${b} & ${width - 1n})`
    : String(BigInt(constant) & (width - 1n));
}

const INTEGER_COMPARISONS: [name: string, operator: string, signed: boolean][] = [
  ["eq", "==", false],
  ["ne", "!=", false],
  ["lt_s", "<", true],
  ["lt_u", "<", false],
  ["gt_s", ">", true],
  ["gt_u", ">", false],
  ["le_s", "<=", true],
  ["le_u", "<=", false],
  ["ge_s", ">=", true],
  ["ge_u", ">=", false],
];
const INTEGER_BINARY = [
  ...["add", "sub", "mul", "div_s", "div_u", "rem_s", "rem_u"],
  ...["and", "or", "xor", "shl", "shr_s", "shr_u", "rotl", "rotr"],
];
const FLOAT_COMPARISONS = ["==", "!=", "<", ">", "<=", ">="];
const FLOAT_UNARY = ["abs", "neg", "ceil", "floor", "trunc", "nearest", "sqrt"];
const FLOAT_BINARY = ["add", "sub", "mul", "div", "min", "max", "copysign"];
const OPERATORS: Record<string, string> = {
  add: "+",
  sub: "-",
  mul: "*",
  div: "/",
  and: "&",
  or: "|",
  xor: "^",
};

function integerBinary(type: Integer, name: string): Text {
  const operator = OPERATORS[name];
  if (operator !== undefined) return infix(operator);
  if (name === "shl") return (a, b) => `${a} << ${count(type, b)}`;
  if (name === "shr_u") return (a, b) => `${a} >> ${count(type, b)}`;
  if (name === "shr_s")
    return (a, b) => `${type === "i32" ? "(s32)" : "(s64)"}${a} >> ${count(type, b)}`;
  return named(`${type}_${name}`);
}

function integers(type: Integer, comparisons: number, arithmetic: number): void {
  define(comparisons, [type], "i32", (a) => `${a} == 0`);
  INTEGER_COMPARISONS.forEach(([, operator, isSigned], at) => {
    const text = isSigned ? signed(type, operator) : infix(operator);
    define(comparisons + 1 + at, [type, type], "i32", text);
  });
  ["clz", "ctz", "popcnt"].forEach((name, at) => {
    define(arithmetic + at, [type], type, named(`${type}_${name}`));
  });
  INTEGER_BINARY.forEach((name, at) => {
    define(arithmetic + 3 + at, [type, type], type, integerBinary(type, name));
  });
}

function floats(type: Float, comparisons: number, arithmetic: number): void {
  FLOAT_COMPARISONS.forEach((operator, at) => {
    define(comparisons + at, [type, type], "i32", infix(operator));
  });
  FLOAT_UNARY.forEach((name, at) => {
    define(arithmetic + at, [type], type, named(`${type}_${name}`));
  });
  FLOAT_BINARY.forEach((name, at) => {
    const operator = OPERATORS[name];
    const text = operator === undefined ? named(`${type}_${name}`) : infix(operator);
    define(arithmetic + 7 + at, [type, type], type, text);
  });
}

integers("i32", 0x45, 0x67);
integers("i64", 0x50, 0x79);
floats("f32", 0x5b, 0x8b);
floats("f64", 0x61, 0x99);

// A length of AssemblyScript's is read at a difference: memory.ts.
HANDLERS[0x6b] = (f) => {
  let subtrahend = "";
  f.operation(["i32", "i32"], "i32", ([a = "", b = ""]) => `${a} - ${(subtrahend = b)}`);
  f.operands.markDifference(subtrahend);
};

const CONVERSIONS: [code: number, result: NumberType, from: NumberType, text: Text | string][] = [
  [0xa7, "i32", "i64", cast("u32")],
  [0xa8, "i32", "f32", "i32_trunc_f32_s"],
  [0xa9, "i32", "f32", "i32_trunc_f32_u"],
  [0xaa, "i32", "f64", "i32_trunc_f64_s"],
  [0xab, "i32", "f64", "i32_trunc_f64_u"],
  [0xac, "i64", "i32", cast("u64", "s64", "s32")],
  [0xad, "i64", "i32", cast("u64")],
  [0xae, "i64", "f32", "i64_trunc_f32_s"],
  [0xaf, "i64", "f32", "i64_trunc_f32_u"],
  [0xb0, "i64", "f64", "i64_trunc_f64_s"],
  [0xb1, "i64", "f64", "i64_trunc_f64_u"],
  [0xb2, "f32", "i32", "f32_convert_i32_s"],
  [0xb3, "f32", "i32", "f32_convert_i32_u"],
  [0xb4, "f32", "i64", "f32_convert_i64_s"],
  [0xb5, "f32", "i64", "f32_convert_i64_u"],
  [0xb6, "f32", "f64", "f32_demote_f64"],
  [0xb7, "f64", "i32", "f64_convert_i32_s"],
  [0xb8, "f64", "i32", "f64_convert_i32_u"],
  [0xb9, "f64", "i64", "f64_convert_i64_s"],
  [0xba, "f64", "i64", "f64_convert_i64_u"],
  [0xbb, "f64", "f32", "f64_promote_f32"],
  [0xbc, "i32", "f32", "i32_reinterpret_f32"],
  [0xbd, "i64", "f64", "i64_reinterpret_f64"],
  [0xbe, "f32", "i32", "f32_reinterpret_i32"],
  [0xbf, "f64", "i64", "f64_reinterpret_i64"],
  [0xc0, "i32", "i32", cast("u32", "s32", "s8")],
  [0xc1, "i32", "i32", cast("u32", "s32", "s16")],
  [0xc2, "i64", "i64", cast("u64", "s64", "s8")],
  [0xc3, "i64", "i64", cast("u64", "s64", "s16")],
  [0xc4, "i64", "i64", cast("u64", "s64", "s32")],
];
for (const [code, result, from, text] of CONVERSIONS)
  define(code, [from], result, typeof text === "string" ? named(text) : text);

export const NUMERIC = HANDLERS;

const SATURATED: [result: Integer, from: Float, sign: "s" | "u"][] = [
  ["i32", "f32", "s"],
  ["i32", "f32", "u"],
  ["i32", "f64", "s"],
  ["i32", "f64", "u"],
  ["i64", "f32", "s"],
  ["i64", "f32", "u"],
  ["i64", "f64", "s"],
  ["i64", "f64", "u"],
];
const wideArithmetic = (_: FunctionState, r: Bytes): void => {
  unsupported("wide arithmetic", r.where);
};

/** Behind 0xfc. */
export const SATURATING: Record<number, Handler> = {
  ...Object.fromEntries(
    SATURATED.map(([result, from, sign], code): [number, Handler] => [
      code,
      (f) => {
        f.operation([from], result, ([a = ""]) => `${result}_trunc_sat_${from}_${sign}(${a})`);
      },
    ]),
  ),
  19: wideArithmetic,
  20: wideArithmetic,
  21: wideArithmetic,
  22: wideArithmetic,
};
