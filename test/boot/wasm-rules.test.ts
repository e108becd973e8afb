// The specification's rules for traps and NaNs hold in a guest, each told by its own name.
// Why: the checks are page tables, `ud2` and what gcc makes of C, so only a CPU under Xen can show that a program
// stops where Wasm says, and nowhere else. Fails if a bound is off by one, if a load whose result is unused is
// optimised away, if two kinds of traps have one name, if a signalling NaN comes out of arithmetic, or if a number is
// rounded otherwise than to nearest.
//
// All calls are made in one boot: a trap there takes the guest back to its list. That each kind ends an ordinary
// guest, with a verdict that names it: traps.test.ts.

import { beforeAll, describe, expect, test } from "vitest";

import { dropDeadLoadFlags } from "../../src/host/build/link/toolchain.js";
import { assemble } from "../fuzz/assemble.js";
import { buildBatch } from "../fuzz/batch.js";
import { exposed } from "../fuzz/exports.js";
import { bootBatch, type Step } from "../fuzz/run.js";
import { scratch } from "./setup.js";

type Number_ = "i32" | "i64" | "f32" | "f64";

/** One function, called once. `wanted`: the kind of trap, or what it returns. */
interface Rule {
  name: string;
  text: string;
  parameters?: { type: Number_; bits: bigint }[];
  wanted: string | number;
}

const MEMORY = 65536;
const LOADS: [instruction: string, bytes: number, type: Number_][] = [
  ["i32.load", 4, "i32"],
  ["i32.load8_s", 1, "i32"],
  ["i32.load8_u", 1, "i32"],
  ["i32.load16_s", 2, "i32"],
  ["i32.load16_u", 2, "i32"],
  ["i64.load", 8, "i64"],
  ["i64.load8_s", 1, "i64"],
  ["i64.load8_u", 1, "i64"],
  ["i64.load16_s", 2, "i64"],
  ["i64.load16_u", 2, "i64"],
  ["i64.load32_s", 4, "i64"],
  ["i64.load32_u", 4, "i64"],
  ["f32.load", 4, "f32"],
  ["f64.load", 8, "f64"],
];
const STORES: [instruction: string, bytes: number, type: Number_][] = [
  ["i32.store", 4, "i32"],
  ["i32.store8", 1, "i32"],
  ["i32.store16", 2, "i32"],
  ["i64.store", 8, "i64"],
  ["i64.store8", 1, "i64"],
  ["i64.store16", 2, "i64"],
  ["i64.store32", 4, "i64"],
  ["f32.store", 4, "f32"],
  ["f64.store", 8, "f64"],
];

const i32 = (value: number): { type: Number_; bits: bigint } => ({
  type: "i32",
  bits: BigInt.asUintN(32, BigInt(value)),
});
const i64 = (bits: bigint): { type: Number_; bits: bigint } => ({
  type: "i64",
  bits: BigInt.asUintN(64, bits),
});
const scratchBits = new DataView(new ArrayBuffer(8));
const f32 = (value: number): { type: Number_; bits: bigint } => {
  scratchBits.setFloat32(0, value);
  return { type: "f32", bits: BigInt(scratchBits.getUint32(0)) };
};
const f64 = (value: number): { type: Number_; bits: bigint } => {
  scratchBits.setFloat64(0, value);
  return { type: "f64", bits: scratchBits.getBigUint64(0) };
};

/** Where an access of so many bytes goes: [address, offset, whether that is out of bounds]. */
const places = (
  bytes: number,
): [where: string, address: number, offset: number, out: boolean][] => [
  ["at the last place", MEMORY - bytes, 0, false],
  ["one byte further", MEMORY - bytes + 1, 0, true],
  ["one byte further by its offset", 1, MEMORY - bytes, true],
  ["at the end", MEMORY, 0, true],
  ["at 4 GiB - 1 and the largest offset", 0xffffffff, 0xffffffff, true],
  ["where a 32-bit sum would be 0", 0xfffffff0, 16, true],
];

function accesses(): Rule[] {
  return [
    ...LOADS.flatMap(([instruction, bytes]) =>
      places(bytes).flatMap(([where, address, offset, out]) =>
        // Used, it is compared with something; unused, it is dropped: both trap.
        (["drop", "use"] as const).map((how): Rule => {
          const load = `(${instruction} offset=${offset} (local.get 0))`;
          const type = instruction.slice(0, 3);
          const body =
            how === "drop"
              ? `(drop ${load}) (i32.const 1)`
              : `(${type}.eq ${load} (${type}.const 0))`;
          return {
            name: `${instruction} ${where}, ${how === "drop" ? "not used" : "used"}`,
            text: `(param i32) (result i32) ${body}`,
            parameters: [i32(address)],
            wanted: out ? "out-of-bounds" : 1,
          };
        }),
      ),
    ),
    ...STORES.flatMap(([instruction, bytes, type]) =>
      places(bytes).map(([where, address, offset, out]): Rule => ({
        name: `${instruction} ${where}`,
        text: `(param i32) (result i32) (${instruction} offset=${offset} (local.get 0) (${type}.const 0)) (i32.const 1)`,
        parameters: [i32(address)],
        wanted: out ? "out-of-bounds" : 1,
      })),
    ),
  ];
}

/** Loads whose value is used, but changes nothing. */
function idle(): Rule[] {
  const loads = LOADS.filter(([, , type]) => type.startsWith("i"));
  const converted = loads.flatMap(([instruction, , from]) =>
    (["f32", "f64"] as const).flatMap((to) =>
      ["s", "u"].map((sign): Rule => ({
        name: `${instruction} at the end, made an ${to} by _${sign} that is compared with itself`,
        text: `(param i32) (result i32) (local ${to})
          (local.set 1 (${to}.convert_${from}_${sign} (${instruction} (local.get 0))))
          (${to}.eq (local.get 1) (local.get 1))`,
        parameters: [i32(MEMORY)],
        wanted: "out-of-bounds",
      })),
    ),
  );
  const negative = (["f32", "f64"] as const).map((type): Rule => ({
    name: `${type}.load at the end, whether its absolute value is negative`,
    text: `(param i32) (result i32) (${type}.lt (${type}.abs (${type}.load (local.get 0))) (${type}.const 0))`,
    parameters: [i32(MEMORY)],
    wanted: "out-of-bounds",
  }));
  return [...converted, ...negative];
}

function bulk(): Rule[] {
  const rule = (name: string, text: string, wanted: Rule["wanted"]): Rule => ({
    name,
    text: `(param i32) (result i32) ${text} (i32.const 1)`,
    parameters: [i32(0)],
    wanted,
  });
  const at = (value: number): string => `(i32.add (local.get 0) (i32.const ${value}))`;
  return [
    rule(
      "memory.fill up to the end",
      `(memory.fill ${at(MEMORY - 8)} (i32.const 1) (i32.const 8))`,
      1,
    ),
    rule(
      "memory.fill over the end",
      `(memory.fill ${at(MEMORY - 8)} (i32.const 1) (i32.const 9))`,
      "out-of-bounds",
    ),
    rule(
      "memory.fill of nothing at the end",
      `(memory.fill ${at(MEMORY)} (i32.const 1) (i32.const 0))`,
      1,
    ),
    rule(
      "memory.fill of nothing behind it",
      `(memory.fill ${at(MEMORY + 1)} (i32.const 1) (i32.const 0))`,
      "out-of-bounds",
    ),
    rule(
      "memory.copy from over the end",
      `(memory.copy (i32.const 0) ${at(MEMORY - 8)} (i32.const 9))`,
      "out-of-bounds",
    ),
    rule(
      "memory.copy to over the end",
      `(memory.copy ${at(MEMORY - 8)} (i32.const 0) (i32.const 9))`,
      "out-of-bounds",
    ),
    rule(
      "memory.copy of nearly 4 GiB",
      `(memory.copy ${at(1)} ${at(2)} (i32.const -1))`,
      "out-of-bounds",
    ),
    rule(
      "memory.init of more than the segment",
      `(memory.init $bytes ${at(0)} (i32.const 0) (i32.const 5))`,
      "out-of-bounds",
    ),
    rule(
      "memory.init of a dropped segment",
      `(data.drop $gone) (memory.init $gone ${at(0)} (i32.const 0) (i32.const 1))`,
      "out-of-bounds",
    ),
    rule("table.get at the end", `(drop (table.get $t ${at(8)}))`, "table-out-of-bounds"),
    rule("table.set at the end", `(table.set $t ${at(8)} (ref.null func))`, "table-out-of-bounds"),
    rule(
      "table.fill over the end",
      `(table.fill $t ${at(7)} (ref.null func) (i32.const 2))`,
      "table-out-of-bounds",
    ),
    rule(
      "table.copy over the end",
      `(table.copy $t $t ${at(7)} (i32.const 0) (i32.const 2))`,
      "table-out-of-bounds",
    ),
    rule(
      "table.init of more than the segment",
      `(table.init $t $functions ${at(0)} (i32.const 0) (i32.const 9))`,
      "table-out-of-bounds",
    ),
    rule(
      "an externref table has its end, too",
      `(drop (table.get $e ${at(2)}))`,
      "table-out-of-bounds",
    ),
    rule(
      "memory.grow beyond the maximum",
      `(if (i32.ne (memory.grow ${at(1)}) (i32.const -1)) (then unreachable))`,
      1,
    ),
    rule(
      "table.grow beyond the maximum",
      `(if (i32.ne (table.grow $t (ref.null func) ${at(100)}) (i32.const -1)) (then unreachable))`,
      1,
    ),
  ];
}

function arithmetic(): Rule[] {
  const rules: Rule[] = [];
  for (const type of ["i32", "i64"] as const) {
    const make = type === "i32" ? (value: bigint) => i32(Number(BigInt.asIntN(32, value))) : i64;
    const least = type === "i32" ? -(2n ** 31n) : -(2n ** 63n);
    for (const operation of ["div_s", "div_u", "rem_s", "rem_u"]) {
      const call = (a: bigint, b: bigint, wanted: Rule["wanted"], used: boolean): Rule => ({
        name: `${type}.${operation} of ${a} by ${b}${used ? "" : ", not used"}`,
        text: `(param ${type} ${type}) (result i32) ${
          used
            ? `(${type}.eq (${type}.${operation} (local.get 0) (local.get 1)) (${type}.const 0))`
            : `(drop (${type}.${operation} (local.get 0) (local.get 1))) (i32.const 1)`
        }`,
        parameters: [make(a), make(b)],
        wanted,
      });
      for (const used of [true, false]) {
        rules.push(call(7n, 0n, "divide-by-zero", used), call(least, 0n, "divide-by-zero", used));
        if (operation === "div_s") rules.push(call(least, -1n, "integer-overflow", used));
      }
      if (operation === "rem_s") rules.push(call(least, -1n, 1, true));
    }
  }
  return rules;
}

function conversions(): Rule[] {
  const limits: Record<string, [inside: number[], outside: number[]]> = {
    i32_f32_s: [
      [-2147483648, 2147483520, -0.9],
      [2147483648, -2147483904],
    ],
    i32_f64_s: [
      [-2147483648.9, 2147483647.9],
      [2147483648, -2147483649],
    ],
    i32_f32_u: [
      [-0.9, 4294967040],
      [4294967296, -1],
    ],
    i32_f64_u: [
      [-0.9, 4294967295.9],
      [4294967296, -1],
    ],
    i64_f32_s: [
      [-9223372036854775808, 9223371487098961920],
      [9223372036854775808, -9223373136366403584],
    ],
    i64_f64_s: [
      [-9223372036854775808, 9223372036854774784],
      [9223372036854775808, -9223372036854777856],
    ],
    i64_f32_u: [
      [-0.9, 18446742974197923840],
      [18446744073709551616, -1],
    ],
    i64_f64_u: [
      [-0.9, 18446744073709549568],
      [18446744073709551616, -1],
    ],
  };
  return Object.entries(limits).flatMap(([name, [inside, outside]]) => {
    const [to = "", from = "", sign = ""] = name.split("_");
    const make = from === "f32" ? f32 : f64;
    const rule = (value: number, wanted: Rule["wanted"]): Rule => ({
      name: `${to}.trunc_${from}_${sign} of ${Object.is(value, -0) ? "-0" : value}`,
      text: `(param ${from}) (result i32) (drop (${to}.trunc_${from}_${sign} (local.get 0))) (i32.const 1)`,
      parameters: [make(value)],
      wanted,
    });
    return [
      ...inside.map((value) => rule(value, 1)),
      ...outside.map((value) => rule(value, "integer-overflow")),
      rule(Infinity, "integer-overflow"),
      rule(-Infinity, "integer-overflow"),
      rule(NaN, "invalid-conversion"),
    ];
  });
}

function calls(): Rule[] {
  const indirect = (name: string, index: number, wanted: Rule["wanted"]): Rule[] => [
    {
      name: `call_indirect ${name}`,
      text: "(param i32) (result i32) (call_indirect $t (result i32) (local.get 0))",
      parameters: [i32(index)],
      wanted,
    },
    {
      name: `return_call_indirect ${name}`,
      text: "(param i32) (result i32) (return_call_indirect $t (result i32) (local.get 0))",
      parameters: [i32(index)],
      wanted,
    },
  ];
  return [
    { name: "unreachable", text: "unreachable", wanted: "unreachable" },
    ...indirect("of a function of that type", 0, 1),
    ...indirect("of a function of another type", 1, "indirect-call-type"),
    ...indirect("of a type with equal parameters and no result", 3, "indirect-call-type"),
    ...indirect("of null", 2, "indirect-call-null"),
    {
      name: "return_call_indirect with more on the stack: its own result is returned",
      text: "(param i32) (result i32) (i32.const 7) (return_call_indirect $t (result i32) (local.get 0))",
      parameters: [i32(0)],
      wanted: 1,
    },
    ...indirect("at the table's end", 8, "table-out-of-bounds"),
    ...indirect("at 4 GiB - 1", -1, "table-out-of-bounds"),
    {
      name: "recursion without end",
      text: "(param i32) (result i32) (i32.add (call $deep (local.get 0)) (i32.const 1))",
      parameters: [i32(0)],
      wanted: "stack-overflow",
    },
    {
      name: "recursion without end in the last place: a call is no jump",
      text: "(param i32) (result i32) (call $last (local.get 0))",
      parameters: [i32(0)],
      wanted: "stack-overflow",
    },
    {
      name: "recursion without end whose result nobody uses",
      text: "(param i32) (result i32) (drop (call $deep (local.get 0))) (i32.const 1)",
      parameters: [i32(0)],
      wanted: "stack-overflow",
    },
    {
      name: "a million tail calls, which take no stack",
      text: "(param i32) (result i32) (call $count (local.get 0))",
      parameters: [i32(1_000_000)],
      wanted: 0,
    },
    {
      name: "a million tail calls by two functions in turn",
      text: "(param i32) (result i32) (call $even (local.get 0))",
      parameters: [i32(1_000_000)],
      wanted: 1,
    },
  ];
}

/** That arithmetic on a signalling NaN gives a quiet one; that operations on the sign alone keep every other bit. */
function nans(): Rule[] {
  return (["f32", "f64"] as const).flatMap((type) => {
    const [integer, quiet, signalling] =
      type === "f32"
        ? ["i32", 0x00400000n, 0x7fa00000n]
        : ["i64", 0x0008000000000000n, 0x7ff4000000000000n];
    const x = `(${type}.reinterpret_${integer} (local.get 0))`;
    const constant = (value: string): string => `(${type}.const ${value})`;
    const quietens = {
      "x + 0": `(${type}.add ${x} ${constant("0")})`,
      "x + -0": `(${type}.add ${x} ${constant("-0")})`,
      "x - 0": `(${type}.sub ${x} ${constant("0")})`,
      "-0 - x": `(${type}.sub ${constant("-0")} ${x})`,
      "x * 1": `(${type}.mul ${x} ${constant("1")})`,
      "x * -1": `(${type}.mul ${x} ${constant("-1")})`,
      "x / 1": `(${type}.div ${x} ${constant("1")})`,
      "x / -1": `(${type}.div ${x} ${constant("-1")})`,
      "x * 2": `(${type}.mul ${x} ${constant("2")})`,
      "min(x, 1)": `(${type}.min ${x} ${constant("1")})`,
      "max(1, x)": `(${type}.max ${constant("1")} ${x})`,
      ...Object.fromEntries(
        ["ceil", "floor", "trunc", "nearest", "sqrt"].map((name) => [
          `${name}(x)`,
          `(${type}.${name} ${x})`,
        ]),
      ),
      "x there and back":
        type === "f32"
          ? `(f32.demote_f64 (f64.promote_f32 ${x}))`
          : `(f64.promote_f32 (f32.demote_f64 ${x}))`,
    };
    const keeps = {
      "abs(x)": [`(${type}.abs ${x})`, signalling],
      "neg(neg(x))": [`(${type}.neg (${type}.neg ${x}))`, signalling],
      "copysign(x, 1)": [`(${type}.copysign ${x} ${constant("1")})`, signalling],
      "select(x)": [`(select ${x} ${constant("1")} (i32.const 1))`, signalling],
    } as const;
    const parameters = [type === "f32" ? i32(Number(signalling)) : i64(signalling)];
    return [
      ...Object.entries(quietens).map(([name, text]): Rule => ({
        name: `${type}: ${name} of a signalling NaN is quiet`,
        text: `(param ${integer}) (result i32) (${integer}.ne (${integer}.and (${integer}.reinterpret_${type} ${text}) (${integer}.const ${quiet})) (${integer}.const 0))`,
        parameters,
        wanted: 1,
      })),
      ...Object.entries(keeps).map(([name, [text, bits]]): Rule => ({
        name: `${type}: ${name} keeps every bit of a signalling NaN`,
        text: `(param ${integer}) (result i32) (${integer}.eq (${integer}.reinterpret_${type} ${text}) (${integer}.const ${bits}))`,
        parameters,
        wanted: 1,
      })),
    ];
  });
}

/**
 * That what gcc computes when it compiles is what the processor computes when it runs: both round to nearest. So is
 * everything that the fuzzer's arithmetic compares with V8.
 */
function roundings(): Rule[] {
  return (["f32", "f64"] as const).flatMap((type) => {
    const make = type === "f32" ? f32 : f64;
    const constant = (value: number): string => `(${type}.const ${value})`;
    const same = (operation: string, ...values: number[]): Rule => {
      const expression = (of: (value: number, index: number) => string): string =>
        `(${type}.${operation} ${values.map(of).join(" ")})`;
      return {
        name: `${type}.${operation} of ${values.join(" and ")} is the same whoever computes it`,
        text: `(param ${values.map(() => type).join(" ")}) (result i32)
          (${type}.eq ${expression(constant)} ${expression((_, index) => `(local.get ${index})`)})`,
        parameters: values.map(make),
        wanted: 1,
      };
    };
    return [
      same("div", 1, 3),
      same("div", -1, 3),
      same("add", 1, type === "f32" ? 2 ** -30 : 2 ** -70),
      same("sub", 1, type === "f32" ? 2 ** -30 : 2 ** -70),
      same("mul", 1.1, 1.1),
      same("sqrt", 2),
    ];
  });
}

/** runtime/wasm/math.c's routines at the edges, by JavaScript's: ties, signs of 0, and where a number has no fraction. */
function routines(): Rule[] {
  const nearest = (x: number): number => {
    const down = Math.floor(x);
    const up = x - down > 0.5 || (x - down === 0.5 && down % 2 !== 0);
    const rounded = up ? down + 1 : down;
    return rounded === 0 ? 0 * (x < 0 || Object.is(x, -0) ? -1 : 1) : rounded;
  };
  const by = { ceil: Math.ceil, floor: Math.floor, trunc: Math.trunc, nearest };
  const edges = [0, 0.5, 1, 1.5, 2.5, 0.49999997, 2 ** 22 + 0.5, 2 ** 23 + 1, 2 ** 31, 2 ** 63];
  const doubles = [0.49999999999999994, 2 ** 51 + 0.5, 2 ** 52 + 1, 5e-324, 1.7976931348623157e308];
  const rounding = (["f32", "f64"] as const).flatMap((type) =>
    Object.entries(by).flatMap(([operation, compute]) =>
      (type === "f32" ? edges : [...edges, ...doubles, Infinity])
        .map((value) => (type === "f32" ? Math.fround(value) : value))
        .flatMap((value) => [value, -value])
        .map((value): Rule => {
          const [integer, make] =
            type === "f32" ? (["i32", f32] as const) : (["i64", f64] as const);
          return {
            name: `${type}.${operation} of ${Object.is(value, -0) ? "-0" : value}`,
            text: `(param ${type}) (result i32) (${integer}.eq (${integer}.reinterpret_${type}
              (${type}.${operation} (local.get 0))) (${integer}.const ${make(compute(value)).bits}))`,
            parameters: [make(value)],
            wanted: 1,
          };
        }),
    ),
  );
  const counted = [0n, 1n, 0x80000000n, 0xffffffffn, 0x8000000000000001n, 0xffffffffffffffffn];
  const ones = (value: bigint): number => value.toString(2).replaceAll("0", "").length;
  return [
    ...rounding,
    ...counted.map((value): Rule => ({
      name: `i64.popcnt of ${value}`,
      text: "(param i64) (result i32) (i32.wrap_i64 (i64.popcnt (local.get 0)))",
      parameters: [i64(value)],
      wanted: ones(value),
    })),
    ...counted.slice(0, 4).map((value): Rule => ({
      name: `i32.popcnt of ${value}`,
      text: "(param i32) (result i32) (i32.popcnt (local.get 0))",
      parameters: [{ type: "i32", bits: value }],
      wanted: ones(value),
    })),
  ];
}

function moduleOf(rules: Rule[]): string {
  return `(module
    (memory 1 1)
    (table $t 8 8 funcref)
    (table $e 2 externref)
    (elem (table $t) (i32.const 0) func $one $other)
    (elem (table $t) (i32.const 3) func $nothing)
    (elem $functions func $one $one)
    (data $bytes "abcd")
    (data $gone "abcd")
    ${rules.map(({ text }) => `(func ${text})`).join("\n")}
    (func $one (result i32) (i32.const 1))
    (func $other (result i64) (i64.const 1))
    (func $nothing)
    (func $deep (param i32) (result i32) (i32.add (call $deep (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
    (func $last (param i32) (result i32) (call $last (local.get 0)))
    (func $count (param i32) (result i32)
      (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
      (return_call $count (i32.sub (local.get 0) (i32.const 1))))
    (func $even (param i32) (result i32)
      (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
      (return_call $odd (i32.sub (local.get 0) (i32.const 1))))
    (func $odd (param i32) (result i32)
      (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
      (return_call $even (i32.sub (local.get 0) (i32.const 1)))))`;
}

/** Runs them in one guest; each rule's name with what came of it. */
async function outcomes(
  rules: Rule[],
  {
    flags = [],
    cmdline = "",
    timeoutMs,
  }: { flags?: string[]; cmdline?: string; timeoutMs?: number } = {},
): Promise<Record<string, string | number>> {
  const made = exposed(await assemble(moduleOf(rules)));
  const calls_ = rules.map((rule, index) => ({
    name: `f${String(index)}`,
    arguments: rule.parameters ?? [],
    results: made.functions[index]?.results ?? [],
  }));
  const image = scratch(`rules-${String(rules.length)}-${flags.join("")}.elf`);
  await buildBatch([{ number: 1, exposed: made, calls: calls_ }], { output: image, flags });
  const { steps } = await bootBatch(image, `trace=1 all=1 ${cmdline}`, timeoutMs);
  const told = (step: Step | undefined): string | number =>
    step === undefined ? "nothing" : step.trap === "none" ? step.value : step.trap;
  return Object.fromEntries(
    rules.map((rule, index) => [rule.name, told(steps.get(`call${String(index)}`))]),
  );
}

const wanted = (rules: Rule[]): Record<string, string | number> =>
  Object.fromEntries(rules.map((rule) => [rule.name, rule.wanted]));

describe("what Wasm says of", () => {
  const groups = {
    accesses,
    idle,
    bulk,
    arithmetic,
    conversions,
    calls,
    nans,
    roundings,
    routines,
  };
  const all = Object.values(groups).flatMap((make) => make());
  let came: Record<string, string | number>;
  beforeAll(async () => {
    came = await outcomes(all);
  }, 300_000);

  test.each(Object.entries(groups))("%s holds", (_, make) => {
    const rules = make();
    expect(rules.length).toBeGreaterThan(10);
    expect(Object.fromEntries(rules.map(({ name }) => [name, came[name]]))).toEqual(wanted(rules));
  });
});

describe("the control: without", () => {
  test("-fsignaling-nans, arithmetic by 1 hands a signalling NaN on", async () => {
    const came = await outcomes(nans(), { flags: ["-fno-signaling-nans"] });
    expect(came["f32: x * 1 of a signalling NaN is quiet"]).toBe(0);
    expect(came["f64: x / 1 of a signalling NaN is quiet"]).toBe(0);
  });

  test("kept dead loads, an access out of bounds may go unseen", async () => {
    const came = await outcomes(accesses(), { flags: dropDeadLoadFlags });
    expect(came["i32.load at the end, not used"]).toBe(1);
    expect(came["i32.load at the end, used"]).toBe("out-of-bounds");
  });

  test("of_integer_f32() and _f64(), an access out of bounds may go unseen", async () => {
    const came = await outcomes(idle(), { flags: ["-D__builtin_constant_p(x)=1"] });
    const compared = "that is compared with itself";
    expect(came[`i32.load at the end, made an f32 by _u ${compared}`]).toBe(1);
    expect(came[`i64.load at the end, made an f64 by _s ${compared}`]).toBe(1);
  });

  test("rounding to nearest, gcc and the processor differ, unless -frounding-math says so", async () => {
    const rules = roundings();
    const up = await outcomes(rules, { cmdline: "rounding=up" });
    expect(up["f64.div of 1 and 3 is the same whoever computes it"]).toBe(0);
    expect(up["f32.add of 1 and 9.313225746154785e-10 is the same whoever computes it"]).toBe(0);
    const asked = { flags: ["-frounding-math"], cmdline: "rounding=up" };
    expect(await outcomes(rules, asked)).toEqual(wanted(rules));
  });

  test("-fno-optimize-sibling-calls, a recursion that never ends is a loop that never ends", async () => {
    const endless = calls().filter(({ name }) => name.includes("in the last place"));
    await expect(
      outcomes(endless, { flags: ["-foptimize-sibling-calls"], timeoutMs: 4000 }),
    ).rejects.toThrow(/reported no result within 4 s/);
  });
});
