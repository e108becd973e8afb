// Constants in C.

import type { NumberType } from "../decode/module.js";

const view = new DataView(new ArrayBuffer(8));

function f32Of(bits: number): number {
  view.setUint32(0, bits);
  return view.getFloat32(0);
}

function f64Of(bits: bigint): number {
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
}

/** JavaScript writes as many digits as the number needs to be read again, which a C compiler does exactly, too. */
function decimal(value: number): string {
  const digits = Object.is(value, -0) ? "-0.0" : String(value);
  return /[.e]/.test(digits) ? digits : `${digits}.0`;
}

export function i32Literal(bits: number): string {
  const value = bits >>> 0;
  return value < 0x8000_0000 ? `${value}u` : `0x${value.toString(16)}u`;
}

export function i64Literal(bits: bigint): string {
  const value = BigInt.asUintN(64, bits);
  return value < 0x8000_0000_0000_0000n ? `${value}ull` : `0x${value.toString(16)}ull`;
}

/** A NaN is given by its bits: every one of them is the program's. */
export function f32Literal(bits: number): string {
  const value = f32Of(bits);
  if (Number.isNaN(value)) return `f32_reinterpret_i32(${i32Literal(bits)})`;
  if (!Number.isFinite(value)) return value < 0 ? "-__builtin_inff()" : "__builtin_inff()";
  return `${decimal(value)}f`;
}

export function f64Literal(bits: bigint): string {
  const value = f64Of(bits);
  if (Number.isNaN(value)) return `f64_reinterpret_i64(${i64Literal(bits)})`;
  if (!Number.isFinite(value)) return value < 0 ? "-__builtin_inf()" : "__builtin_inf()";
  return decimal(value);
}

export function v128Literal(bits: bigint): string {
  const half = (shift: bigint): string => i64Literal(BigInt.asUintN(64, bits >> shift));
  return `v128_const(${half(0n)}, ${half(64n)})`;
}

export function literal(type: NumberType | "v128", bits: bigint): string {
  switch (type) {
    case "i32":
      return i32Literal(Number(bits));
    case "i64":
      return i64Literal(bits);
    case "f32":
      return f32Literal(Number(bits));
    case "f64":
      return f64Literal(bits);
    case "v128":
      return v128Literal(bits);
  }
}

/** Whether C takes the literal where it initialises a static variable. */
export function isStaticLiteral(type: NumberType | "v128", bits: bigint): boolean {
  if (type === "f32") return !Number.isNaN(f32Of(Number(bits)));
  if (type === "f64") return !Number.isNaN(f64Of(bits));
  return type !== "v128";
}

const PLAIN = /[ !#-[\]-~]/;

/** Bytes as a string literal, in lines of a length that can be read. `?` is written as a number: ??= is a trigraph. */
export function bytesLiteral(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let start = 0; start < bytes.length; start += 64) {
    let line = "";
    for (const byte of bytes.subarray(start, start + 64)) {
      const character = String.fromCharCode(byte);
      line +=
        PLAIN.test(character) && character !== "?"
          ? character
          : `\\${byte.toString(8).padStart(3, "0")}`;
    }
    lines.push(`    "${line}"`);
  }
  return lines.length === 0 ? '""' : `\n${lines.join("\n")}`;
}
