// Modules dense in fixed-width SIMD: every operation, on lanes at the edges, with its results in memory.
//
// JavaScript has no 128-bit values, so what a function makes it stores. Which NaN an operation makes is not Wasm's business:
// where lanes are floats, a NaN becomes 0 before anything looks at its bits.

import { random } from "../fixtures/random.js";
import { assemble } from "./assemble.js";

const INTEGER_SHAPES = ["i8x16", "i16x8", "i32x4", "i64x2"] as const;
const FLOAT_SHAPES = ["f32x4", "f64x2"] as const;

const all = (shapes: readonly string[], names: string): string[] =>
  shapes.flatMap((shape) => names.split(" ").map((name) => `${shape}.${name}`));
const halves = (operation: string): string[] =>
  [
    ["i16x8", "i8x16"],
    ["i32x4", "i16x8"],
    ["i64x2", "i32x4"],
  ].flatMap(([wide = "", narrow = ""]) =>
    ["low", "high"].flatMap((half) =>
      ["s", "u"].map((sign) => `${wide}.${operation}_${half}_${narrow}_${sign}`),
    ),
  );

/** By what they take; those that make floats are settled. */
export const UNARY = [
  "v128.not",
  ...all(INTEGER_SHAPES, "abs neg"),
  ...all(FLOAT_SHAPES, "abs neg sqrt ceil floor trunc nearest"),
  "i8x16.popcnt",
  ...all(["i16x8"], "extadd_pairwise_i8x16_s extadd_pairwise_i8x16_u"),
  ...all(["i32x4"], "extadd_pairwise_i16x8_s extadd_pairwise_i16x8_u"),
  ...all(
    ["i32x4"],
    "trunc_sat_f32x4_s trunc_sat_f32x4_u trunc_sat_f64x2_s_zero trunc_sat_f64x2_u_zero",
  ),
  ...all(["f32x4"], "convert_i32x4_s convert_i32x4_u demote_f64x2_zero"),
  ...all(["f64x2"], "convert_low_i32x4_s convert_low_i32x4_u promote_low_f32x4"),
  ...halves("extend"),
];
export const BINARY = [
  ...all(["v128"], "and andnot or xor"),
  ...all(INTEGER_SHAPES, "add sub eq ne lt_s gt_s le_s ge_s"),
  ...all(["i8x16", "i16x8", "i32x4"], "lt_u gt_u le_u ge_u min_s min_u max_s max_u"),
  ...all(["i8x16", "i16x8"], "add_sat_s add_sat_u sub_sat_s sub_sat_u avgr_u"),
  ...all(["i16x8", "i32x4", "i64x2"], "mul"),
  ...all(FLOAT_SHAPES, "add sub mul div min max pmin pmax eq ne lt gt le ge"),
  ...all(["i8x16"], "swizzle narrow_i16x8_s narrow_i16x8_u"),
  ...all(["i16x8"], "narrow_i32x4_s narrow_i32x4_u q15mulr_sat_s"),
  "i32x4.dot_i16x8_s",
  ...halves("extmul"),
];
const SHIFTS = all(INTEGER_SHAPES, "shl shr_s shr_u");
const TO_I32 = ["v128.any_true", ...all(INTEGER_SHAPES, "all_true bitmask")];
const LANES: Record<string, [count: number, scalar: string]> = {
  i8x16: [16, "i32"],
  i16x8: [8, "i32"],
  i32x4: [4, "i32"],
  i64x2: [2, "i64"],
  f32x4: [4, "f32"],
  f64x2: [2, "f64"],
};
const LOADS = [
  "v128.load",
  ...["8x8", "16x4", "32x2"].flatMap((name) => [`v128.load${name}_s`, `v128.load${name}_u`]),
  ...[8, 16, 32, 64].map((bits) => `v128.load${bits}_splat`),
  "v128.load32_zero",
  "v128.load64_zero",
];
const EDGES = [
  "0",
  "-1",
  "0x80000000",
  "0x7fffffff",
  "0x80",
  "0x7fff8000",
  "0x3f800000",
  "0x7f800000",
  "0x4f000000",
  "0xff7fffff",
  "0x00010203",
  "7",
];
const FUNCTIONS = 12;
const MEMORY = 65536;

class Generator {
  readonly #pick: (below: number) => number;

  constructor(seed: number) {
    this.#pick = random(seed);
  }

  #one<T>(items: readonly T[]): T {
    return items[this.#pick(items.length)] as T;
  }

  #settled(name: string, text: string): string {
    const shape = name.slice(0, 5);
    // A comparison's result is bits.
    if (/\.(?:eq|ne|[lg][te])$/.test(name)) return text;
    return shape === "f32x4" || shape === "f64x2" ? `(call $settled_${shape} ${text})` : text;
  }

  #address(): string {
    return `(i32.and (i32.add (local.get $at) (i32.const ${this.#pick(4096)})) (i32.const 0x1fff))`;
  }

  #leaf(): string {
    switch (this.#pick(4)) {
      case 0:
        return `(v128.const i32x4 ${Array.from({ length: 4 }, () => this.#one(EDGES)).join(" ")})`;
      case 1:
        return `(${this.#one(LOADS)} offset=${this.#pick(50)} align=1 ${this.#address()})`;
      case 2:
        return `(i64x2.splat (local.get $wide))`;
      default:
        return `(local.get $v${this.#pick(3)})`;
    }
  }

  #expression(depth: number): string {
    if (depth === 0) return this.#leaf();
    const next = (): string => this.#expression(depth - 1);
    switch (this.#pick(9)) {
      case 0:
      case 1: {
        const name = this.#one(UNARY);
        return this.#settled(name, `(${name} ${next()})`);
      }
      case 2:
        return `(${this.#one(SHIFTS)} ${next()} ${this.#scalar("i32", depth - 1)})`;
      case 3: {
        const mask = Array.from({ length: 16 }, () => this.#pick(32)).join(" ");
        return `(i8x16.shuffle ${mask} ${next()} ${next()})`;
      }
      case 4:
        return `(v128.bitselect ${next()} ${next()} ${next()})`;
      case 5: {
        const [shape, [count, scalar]] = this.#one(Object.entries(LANES));
        const replaced = `(${shape}.replace_lane ${this.#pick(count)} ${next()} ${this.#scalar(scalar, depth - 1)})`;
        return this.#pick(3) === 0
          ? `(${shape}.splat ${this.#scalar(scalar, depth - 1)})`
          : replaced;
      }
      case 6: {
        const bits = this.#one([8, 16, 32, 64]);
        return `(v128.load${bits}_lane offset=${this.#pick(50)} align=1 ${this.#pick(128 / bits)} ${this.#address()} ${next()})`;
      }
      default: {
        const name = this.#one(BINARY);
        return this.#settled(name, `(${name} ${next()} ${next()})`);
      }
    }
  }

  /** A float is a small integer's, so that none is a NaN. */
  #scalar(type: string, depth: number): string {
    if (type === "i64") return "(local.get $wide)";
    const small =
      this.#pick(3) === 0
        ? "(local.get $at)"
        : `(${this.#one(TO_I32)} ${this.#expression(Math.max(0, depth - 1))})`;
    if (type !== "i32") return `(${type}.convert_i32_s ${small})`;
    const [shape, extract] = this.#one([
      ["i8x16", "extract_lane_s"],
      ["i8x16", "extract_lane_u"],
      ["i16x8", "extract_lane_s"],
      ["i16x8", "extract_lane_u"],
      ["i32x4", "extract_lane"],
    ] as const);
    if (this.#pick(2) === 0) return small;
    const [count = 4] = LANES[shape] ?? [];
    return `(${shape}.${extract} ${this.#pick(count)} ${this.#expression(Math.max(0, depth - 1))})`;
  }

  #statement(index: number): string {
    const value = this.#expression(3);
    if (this.#pick(3) === 0) return `(local.set $v${this.#pick(3)} ${value})`;
    const place = `(i32.const ${8192 + index * 16})`;
    if (this.#pick(4) > 0) return `(v128.store align=1 ${place} ${value})`;
    const bits = this.#one([8, 16, 32, 64]);
    return `(v128.store${bits}_lane align=1 ${this.#pick(128 / bits)} ${place} ${value})`;
  }

  text(): string {
    const functions = Array.from({ length: FUNCTIONS }, (_, number) => {
      const statements = Array.from({ length: 6 }, (__, at) => this.#statement(number * 6 + at));
      return `(func (param $at i32) (param $wide i64) (result i32)
        (local $v0 v128) (local $v1 v128) (local $v2 v128)
        ${statements.join("\n")}
        ${this.#scalar("i32", 3)})`;
    });
    const bytes = Array.from(
      { length: 4096 },
      () => `\\${this.#pick(256).toString(16).padStart(2, "0")}`,
    );
    return `(module (memory ${MEMORY / 65536}) (data (i32.const 0) "${bytes.join("")}")
      (func $settled_f32x4 (param v128) (result v128) (v128.and (local.get 0) (f32x4.eq (local.get 0) (local.get 0))))
      (func $settled_f64x2 (param v128) (result v128) (v128.and (local.get 0) (f64x2.eq (local.get 0) (local.get 0))))
      ${functions.join("\n")})`;
  }
}

/** From its seed. The two functions that settle are not called from outside: they take what JavaScript cannot give. */
export async function simdModule(seed: number): Promise<Uint8Array> {
  return assemble(new Generator(seed).text());
}
