// Values of a script, as bits: what a call is given, and what its result has to be.

import { decodeModule } from "../../src/host/build/lower/decode/sections.js";
import type { ValueType } from "../../src/host/build/lower/decode/module.js";
import { assemble } from "../fuzz/assemble.js";

export interface Value {
  type: ValueType;
  /** Of a reference: 0 is null; else what tells it from another. */
  bits: bigint;
  /** Bits that count: a NaN leaves some open. */
  mask: bigint;
}

const WIDTHS = { i8: 8, i16: 16, i32: 32, i64: 64, f32: 32, f64: 64 } as const;
type Lane = keyof typeof WIDTHS;

/** What the specification says of a NaN that an operation makes: https://webassembly.github.io/spec/core/syntax/values.html */
const NANS: Record<string, { bits: bigint; mask: bigint }> = {
  "f32 nan:canonical": { bits: 0x7fc00000n, mask: 0x7fffffffn },
  "f32 nan:arithmetic": { bits: 0x7fc00000n, mask: 0x7fc00000n },
  "f64 nan:canonical": { bits: 0x7ff8000000000000n, mask: 0x7fffffffffffffffn },
  "f64 nan:arithmetic": { bits: 0x7ff8000000000000n, mask: 0x7ff8000000000000n },
};

const all = (width: number): bigint => (1n << BigInt(width)) - 1n;

/** Of `(v128.const i32x4 …)` its shape's lanes; of `(f32.const …)` that one. Null for what is no number. */
function lanesOf(text: string): { lane: Lane; lanes: string[] } | null {
  const words = text.replace(/[()]/g, " ").trim().split(/\s+/);
  const scalar = /^([if](?:32|64))\.const$/.exec(words[0] ?? "")?.[1];
  if (scalar !== undefined) return { lane: scalar as Lane, lanes: words.slice(1) };
  const shape = /^([if](?:8|16|32|64))x\d+$/.exec(words[1] ?? "")?.[1];
  if (words[0] !== "v128.const" || shape === undefined) return null;
  return { lane: shape as Lane, lanes: words.slice(2) };
}

function reference(text: string): Value | null {
  const [, kind, rest = ""] = /^\(ref\.(\w+)\s*([^)]*)\)$/.exec(text.trim()) ?? [];
  if (kind === "null") {
    const type = rest.trim() === "extern" ? "externref" : "funcref";
    return { type, bits: 0n, mask: all(64) };
  }
  // A function is told from null only.
  if (kind === "func") return { type: "funcref", bits: 1n, mask: all(64) };
  // Not 0, which is null.
  if (kind === "extern" && rest !== "")
    return { type: "externref", bits: BigInt(rest) + 1n, mask: all(64) };
  return null;
}

/** Reads constants, many at a time: how a number is written is wat2wasm's to know, as the initial value of a global. */
export async function readValues(texts: Iterable<string>): Promise<Map<string, Value>> {
  const values = new Map<string, Value>();
  const numbers: { text: string; type: ValueType; plain: string; mask: bigint; set: bigint }[] = [];
  for (const text of new Set(texts)) {
    const found = reference(text);
    if (found) values.set(text, found);
    const parts = lanesOf(text);
    if (parts === null) continue;
    const { lane, lanes } = parts;
    const width = WIDTHS[lane];
    let [mask, set] = [0n, 0n];
    const plain = lanes.map((one, at) => {
      const nan = NANS[`${lane} ${one}`];
      const shift = BigInt(at * width);
      mask |= (nan?.mask ?? all(width)) << shift;
      set |= (nan?.bits ?? 0n) << shift;
      return nan ? "0" : one;
    });
    const scalar = text.includes("v128") ? null : (lane as ValueType);
    numbers.push({
      text,
      type: scalar ?? "v128",
      plain:
        scalar === null
          ? `(v128.const ${lane}x${lanes.length} ${plain.join(" ")})`
          : `(${lane}.const ${plain.join(" ")})`,
      mask,
      set,
    });
  }
  const globals = numbers.map(({ type, plain }) => `(global ${type} ${plain})`);
  const module = decodeModule(await assemble(`(module ${globals.join("\n")})`));
  numbers.forEach(({ text, type, mask, set }, at) => {
    const initial = module.globals[at]?.initial;
    const bits = initial && "bits" in initial ? initial.bits : 0n;
    values.set(text, { type, bits: bits | set, mask });
  });
  return values;
}
