// Fixed-width SIMD: functions of runtime/wasm/simd.h, by the instruction's name.
// https://webassembly.github.io/spec/core/binary/instructions.html#vector-instructions

import type { Bytes } from "../decode/bytes.js";
import { unsupported } from "../decode/errors.js";
import type { ValueType } from "../decode/module.js";
import type { Handler } from "./function-state.js";
import { v128Literal } from "./literals.js";
import { memoryArgument } from "./memory.js";

const HANDLERS: Record<number, Handler> = {};

const TYPES: Record<string, ValueType> = { v: "v128", i: "i32", j: "i64", f: "f32", d: "f64" };
const typesOf = (letters: string): ValueType[] =>
  Array.from(letters, (letter) => TYPES[letter] ?? "v128");
const LANES: Record<string, number> = {
  i8x16: 16,
  i16x8: 8,
  i32x4: 4,
  i64x2: 2,
  f32x4: 4,
  f64x2: 2,
};

/** Operations from a code on, one after another; `-` stands for an unassigned code. `signature`: `vv:v`. */
function operations(first: number, signature: string, shape: string, names: string): void {
  const [parameters = "", result = ""] = signature.split(":");
  names.split(" ").forEach((name, at) => {
    if (name === "-") return;
    HANDLERS[first + at] = (f) => {
      const [type] = typesOf(result);
      f.operation(
        typesOf(parameters),
        type ?? null,
        (operands) => `${shape}_${name}(${operands.join(", ")})`,
      );
    };
  });
}

const COMPARISONS = "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u";
operations(35, "vv:v", "i8x16", COMPARISONS);
operations(45, "vv:v", "i16x8", COMPARISONS);
operations(55, "vv:v", "i32x4", COMPARISONS);
operations(65, "vv:v", "f32x4", "eq ne lt gt le ge");
operations(71, "vv:v", "f64x2", "eq ne lt gt le ge");
operations(214, "vv:v", "i64x2", "eq ne lt_s gt_s le_s ge_s");

operations(77, "v:v", "v128", "not");
operations(78, "vv:v", "v128", "and andnot or xor");
operations(82, "vvv:v", "v128", "bitselect");
operations(83, "v:i", "v128", "any_true");

operations(14, "vv:v", "i8x16", "swizzle");
operations(15, "i:v", "i8x16", "splat");
operations(16, "i:v", "i16x8", "splat");
operations(17, "i:v", "i32x4", "splat");
operations(18, "j:v", "i64x2", "splat");
operations(19, "f:v", "f32x4", "splat");
operations(20, "d:v", "f64x2", "splat");

operations(94, "v:v", "f32x4", "demote_f64x2_zero");
operations(95, "v:v", "f64x2", "promote_low_f32x4");
operations(103, "v:v", "f32x4", "ceil floor trunc nearest");
operations(116, "v:v", "f64x2", "ceil floor");
operations(122, "v:v", "f64x2", "trunc");
operations(148, "v:v", "f64x2", "nearest");
for (const [first, shape] of [
  [224, "f32x4"],
  [236, "f64x2"],
] as const) {
  operations(first, "v:v", shape, "abs neg - sqrt");
  operations(first + 4, "vv:v", shape, "add sub mul div min max pmin pmax");
}
operations(248, "v:v", "i32x4", "trunc_sat_f32x4_s trunc_sat_f32x4_u");
operations(250, "v:v", "f32x4", "convert_i32x4_s convert_i32x4_u");
operations(252, "v:v", "i32x4", "trunc_sat_f64x2_s_zero trunc_sat_f64x2_u_zero");
operations(254, "v:v", "f64x2", "convert_low_i32x4_s convert_low_i32x4_u");

for (const [first, shape] of [
  [96, "i8x16"],
  [128, "i16x8"],
  [160, "i32x4"],
  [192, "i64x2"],
] as const) {
  operations(first, "v:v", shape, "abs neg");
  operations(first + 3, "v:i", shape, "all_true bitmask");
  operations(first + 11, "vi:v", shape, "shl shr_s shr_u");
  operations(first + 14, "vv:v", shape, "add - - sub");
}
operations(98, "v:v", "i8x16", "popcnt");
operations(101, "vv:v", "i8x16", "narrow_i16x8_s narrow_i16x8_u");
operations(111, "vv:v", "i8x16", "add_sat_s add_sat_u - sub_sat_s sub_sat_u");
operations(118, "vv:v", "i8x16", "min_s min_u max_s max_u - avgr_u");
operations(124, "v:v", "i16x8", "extadd_pairwise_i8x16_s extadd_pairwise_i8x16_u");
operations(126, "v:v", "i32x4", "extadd_pairwise_i16x8_s extadd_pairwise_i16x8_u");
operations(130, "vv:v", "i16x8", "q15mulr_sat_s");
operations(133, "vv:v", "i16x8", "narrow_i32x4_s narrow_i32x4_u");
operations(143, "vv:v", "i16x8", "add_sat_s add_sat_u - sub_sat_s sub_sat_u");
operations(149, "vv:v", "i16x8", "mul min_s min_u max_s max_u - avgr_u");
operations(181, "vv:v", "i32x4", "mul min_s min_u max_s max_u dot_i16x8_s");
operations(213, "vv:v", "i64x2", "mul");
for (const [first, wide, narrow] of [
  [135, "i16x8", "i8x16"],
  [167, "i32x4", "i16x8"],
  [199, "i64x2", "i32x4"],
] as const) {
  const names = (operation: string): string =>
    ["s", "u"]
      .flatMap((sign) => ["low", "high"].map((half) => `${operation}_${half}_${narrow}_${sign}`))
      .join(" ");
  operations(first, "v:v", wide, names("extend"));
  operations(first + 21, "vv:v", wide, names("extmul"));
}

function lane(r: Bytes, count: number): number {
  const index = r.byte();
  if (index >= count) r.fail(`lane ${index} of ${count}`);
  return index;
}

/** Extracts or replaces a lane, which is the C macro's first argument. */
function laneOperation(code: number, name: string, signature: string): void {
  const count = LANES[name.slice(0, 5)] ?? 0;
  const [parameters = "", result = ""] = signature.split(":");
  const [type] = typesOf(result);
  HANDLERS[code] = (f, r) => {
    const index = lane(r, count);
    f.operation(
      typesOf(parameters),
      type ?? null,
      (operands) => `${name}(${index}, ${operands.join(", ")})`,
    );
  };
}
const SCALARS = { i32x4: "i", i64x2: "j", f32x4: "f", f64x2: "d" };
laneOperation(21, "i8x16_extract_lane_s", "v:i");
laneOperation(22, "i8x16_extract_lane_u", "v:i");
laneOperation(23, "i8x16_replace_lane", "vi:v");
laneOperation(24, "i16x8_extract_lane_s", "v:i");
laneOperation(25, "i16x8_extract_lane_u", "v:i");
laneOperation(26, "i16x8_replace_lane", "vi:v");
Object.entries(SCALARS).forEach(([shape, scalar], at) => {
  laneOperation(27 + 2 * at, `${shape}_extract_lane`, `v:${scalar}`);
  laneOperation(28 + 2 * at, `${shape}_replace_lane`, `v${scalar}:v`);
});

HANDLERS[12] = (f, r) => {
  const [low, high] = [r.u64le(), r.u64le()];
  f.operands.pushConstant("v128", v128Literal((high << 64n) | low));
};
HANDLERS[13] = (f, r) => {
  const mask = Array.from({ length: 16 }, () => lane(r, 32)).join(", ");
  // In parentheses: a macro would take the commas for its own.
  f.operation(
    ["v128", "v128"],
    "v128",
    ([a = "", b = ""]) => `i8x16_shuffle(SHUFFLE(${mask}), ${a}, ${b})`,
  );
};

/** Name, and the access's size as a power of two. */
const LOADS: [name: string, size: number][] = [
  ["load", 4],
  ...["8x8_s", "8x8_u", "16x4_s", "16x4_u", "32x2_s", "32x2_u"].map((name): [string, number] => [
    `load${name}`,
    3,
  ]),
  ["load8_splat", 0],
  ["load16_splat", 1],
  ["load32_splat", 2],
  ["load64_splat", 3],
];
function load(code: number, name: string, size: number): void {
  HANDLERS[code] = (f, r) => {
    const offset = memoryArgument(f, r, size);
    f.operation(["i32"], "v128", ([address = ""]) => `v128_${name}(${address}, ${offset})`);
  };
}
LOADS.forEach(([name, size], code) => {
  load(code, name, size);
});
load(92, "load32_zero", 2);
load(93, "load64_zero", 3);
HANDLERS[11] = (f, r) => {
  const offset = memoryArgument(f, r, 4);
  f.operation(
    ["i32", "v128"],
    null,
    ([address = "", value = ""]) => `v128_store(${address}, ${offset}, ${value})`,
  );
};
for (const [at, bits] of [8, 16, 32, 64].entries()) {
  HANDLERS[84 + at] = (f, r) => {
    const offset = memoryArgument(f, r, at);
    const index = lane(r, 128 / bits);
    f.operation(
      ["i32", "v128"],
      "v128",
      ([address = "", value = ""]) =>
        `v128_load${bits}_lane(${index}, ${address}, ${offset}, ${value})`,
    );
  };
  HANDLERS[88 + at] = (f, r) => {
    const offset = memoryArgument(f, r, at);
    const index = lane(r, 128 / bits);
    f.operation(
      ["i32", "v128"],
      null,
      ([address = "", value = ""]) =>
        `v128_store${bits}_lane(${index}, ${address}, ${offset}, ${value})`,
    );
  };
}

/** The relaxed operations' codes. */
const FIRST_RELAXED = 0x100;
const LAST_RELAXED = 0x12f;
for (let code = FIRST_RELAXED; code <= LAST_RELAXED; code++)
  HANDLERS[code] = (_, r) => unsupported("relaxed SIMD", r.where);

export const SIMD = HANDLERS;
