// What a module does under V8, as one digest: the same account as driver.c keeps in the guest.

import { createContext, runInContext } from "node:vm";

import { random } from "../fixtures/random.js";
import type { Exposed } from "./exports.js";

/** The running digest, as [digest[0], digest[1]] of driver.c. */
class Digest {
  #a = 0;
  #b = 0;

  mix(word: number): void {
    this.#a = Math.imul(this.#a ^ word, 0x9e3779b1);
    this.#a ^= this.#a >>> 15;
    this.#b = Math.imul(((this.#b << 7) | (this.#b >>> 25)) + word, 0x85ebca6b);
  }

  get text(): string {
    return [this.#a, this.#b].map((word) => `0x${(word >>> 0).toString(16)}`).join();
  }
}

/** The trap that ends a module's account: driver.c has the reason. */
const OUT_OF_BOUNDS = 2;

/** V8's messages, as classes that driver.c's trap_class() has too. */
const TRAPS: [message: RegExp, kind: number][] = [
  [/^unreachable$/, 1],
  [/memory access out of bounds|data segment .*out of bounds/, OUT_OF_BOUNDS],
  [/divide by zero|remainder by zero/, 3],
  [/divide result unrepresentable|float unrepresentable/, 4],
  [/table.* out of bounds|element segment .*out of bounds/, 5],
  [/null function or function signature mismatch/, 6],
  [/Maximum call stack/, 7],
];

function trapClass(error: unknown): number {
  const { message } = error as Error;
  const found = TRAPS.find(([pattern]) => pattern.test(message));
  if (found === undefined) throw error;
  return found[1];
}

const scratch = new DataView(new ArrayBuffer(8));

function see(digest: Digest, type: string, value: unknown): void {
  if (type === "i32") digest.mix(value as number);
  else if (type === "i64") {
    digest.mix(Number(BigInt.asIntN(32, value as bigint)));
    digest.mix(Number(BigInt.asIntN(32, (value as bigint) >> 32n)));
  } else if (type === "f32") {
    scratch.setFloat32(0, value as number);
    digest.mix(Number.isNaN(value) ? 0x7fc00000 : scratch.getInt32(0));
  } else if (type === "f64") {
    scratch.setFloat64(0, value as number);
    digest.mix(Number.isNaN(value) ? 0 : scratch.getInt32(4));
    digest.mix(Number.isNaN(value) ? 0x7ff80000 : scratch.getInt32(0));
  } else digest.mix(value === null ? 0 : 1);
}

/** What bounds a call's loops and recursion (generate.ts). */
export const FUEL = 100;

export type Argument =
  { type: "i32" | "i64"; bits: bigint } | { type: "f32" | "f64"; bits: bigint } | { type: "ref" };

const I64 = [
  0n,
  1n,
  2n,
  3n,
  7n,
  8n,
  31n,
  32n,
  63n,
  64n,
  255n,
  1024n,
  65535n,
  65536n,
  0x7fffffffn,
  0x80000000n,
  0xfffffff0n,
  0xffffffffn,
  0x100000000n,
  0x7fffffffffffffffn,
  0x8000000000000000n,
  0xffffffffffffffffn,
];
const F64 = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  2.5,
  1e10,
  -1e10,
  2147483647,
  2147483648,
  4294967296,
  9223372036854775807,
  1.8446744073709552e19,
  5e-324,
  1.1754943508222875e-38,
  3.4028234663852886e38,
  1.7976931348623157e308,
  Infinity,
  -Infinity,
];

/** Arguments for one call: no NaN, which JavaScript could not hand over bit by bit. */
export function argumentsFor(parameters: string[], pick: (below: number) => number): Argument[] {
  return parameters.map((type) => {
    if (type === "i32" || type === "i64")
      return { type, bits: BigInt.asUintN(type === "i32" ? 32 : 64, I64[pick(I64.length)] ?? 0n) };
    if (type === "f32" || type === "f64") {
      const value = F64[pick(F64.length)] ?? 0;
      if (type === "f64") scratch.setFloat64(0, value);
      else scratch.setFloat32(0, value);
      return {
        type,
        bits: type === "f64" ? scratch.getBigUint64(0) : BigInt(scratch.getUint32(0)),
      };
    }
    return { type: "ref" };
  });
}

function argumentValue(argument: Argument): unknown {
  if (argument.type === "ref") return null;
  const { type, bits } = argument;
  if (type === "i32") return Number(BigInt.asIntN(32, bits));
  if (type === "i64") return bits;
  if (type === "f32") {
    scratch.setUint32(0, Number(bits));
    return scratch.getFloat32(0);
  }
  scratch.setBigUint64(0, bits);
  return scratch.getFloat64(0);
}

export interface Call {
  name: string;
  arguments: Argument[];
  results: string[];
}

/** The calls that a module gets: each of its functions once, in order, but those of 128 bits, which JavaScript lacks. */
export function callsOf(exposed: Exposed, seed: number): Call[] {
  const pick = random(seed);
  const callable = exposed.functions.filter(
    ({ parameters, results }) => ![...parameters, ...results].includes("v128"),
  );
  return callable.map(({ name, parameters, results }) => ({
    name,
    arguments: argumentsFor(parameters, pick),
    results,
  }));
}

export interface Outcome {
  digest: string;
  /** After each step, as driver.c's trace has them: `instantiate0`, `call0`, …, `globals0`. */
  trace: Map<string, string>;
  /** Classes of the traps that were seen. */
  traps: number[];
}

/** A module as generated ends at once; one that is being reduced may have lost what ends its loops. */
const TIME_LIMIT_MS = 20_000;

/** Runs a module under V8. Throws if that takes too long, or ends in an error that driver.c has no word for. */
export function outcomeOf(exposed: Exposed, calls: Call[], timeout = TIME_LIMIT_MS): Outcome {
  const context = createContext({ run: () => whatHappens(exposed, calls) });
  return runInContext("run()", context, { timeout }) as Outcome;
}

function whatHappens(exposed: Exposed, calls: Call[]): Outcome {
  const digest = new Digest();
  const trace = new Map<string, string>();
  const traps: number[] = [];
  const caught = (run: () => void): number => {
    try {
      run();
      return 0;
    } catch (error) {
      const kind = trapClass(error);
      traps.push(kind);
      return kind;
    }
  };
  let exports: WebAssembly.Exports = {};
  const module = new WebAssembly.Module(Buffer.from(exposed.wasm));
  const failed = caught(() => {
    exports = new WebAssembly.Instance(module).exports;
  });
  digest.mix(failed);
  trace.set("instantiate0", digest.text);
  if (failed !== 0) return { digest: digest.text, trace, traps };
  for (const [index, call] of calls.entries()) {
    // Each call may use all of it; driver.c's cases do the same.
    for (const { name, fuel } of exposed.globals)
      if (fuel) (exports[name] as WebAssembly.Global).value = FUEL;
    const run = exports[call.name] as (...values: unknown[]) => unknown;
    const trap = caught(() => {
      const value = run(...call.arguments.map(argumentValue));
      const values = call.results.length === 1 ? [value] : ((value ?? []) as unknown[]);
      call.results.forEach((type, at) => {
        see(digest, type, values[at]);
      });
    });
    digest.mix(trap);
    trace.set(`call${String(index)}`, digest.text);
    if (trap === OUT_OF_BOUNDS) return { digest: digest.text, trace, traps };
  }
  for (const { name, type } of exposed.globals)
    see(digest, type, (exports[name] as WebAssembly.Global).value);
  trace.set("globals0", digest.text);
  if (exposed.memory) seeMemory(digest, exports["memory"] as WebAssembly.Memory);
  return { digest: digest.text, trace, traps };
}

function seeMemory(digest: Digest, memory: WebAssembly.Memory): void {
  const words = new Int32Array(memory.buffer);
  digest.mix(memory.buffer.byteLength / 65536);
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? 0;
    if (word !== 0) {
      digest.mix(i * 4);
      digest.mix(word);
    }
  }
}
