// Makes everything of a module visible from outside: its functions, mutable globals and memory are exported, under
// names of their own, so that what it does can be seen.

import { WasmReader } from "../../src/host/build/lower/wasm-reader.js";
import { readWasm, type WasmModule } from "../../src/host/build/lower/wasm.js";

const SECTIONS = { import: 2, memory: 5, global: 6, export: 7, start: 8 };
const KIND = { function: 0, memory: 2, global: 3 };
/** Sections that stand before the exports. */
const BEFORE = [1, 2, 3, 4, 5, 6];

export interface Exposed {
  wasm: Uint8Array;
  module: WasmModule;
  /** In the order of their indices; each is exported as `f0`, `f1`, … */
  functions: { name: string; parameters: string[]; results: string[] }[];
  /** Exported as `g0`, …: all the module's own, mutable or not. */
  globals: { name: string; type: string; fuel: boolean }[];
  /** Whether there is a memory, exported as `memory`. */
  memory: boolean;
}

const TYPES: Record<number, string> = {
  0x7f: "i32",
  0x7e: "i64",
  0x7d: "f32",
  0x7c: "f64",
  0x70: "funcref",
  0x6f: "externref",
};

/** (mut i32) (i32.const 100) */
const FUEL = Buffer.from([0x7f, 0x01, 0x41, 0xe4, 0x00, 0x0b]);

export function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(Math.floor(value / 0x80))];
}

function sectionsOf(wasm: Uint8Array): { id: number; bytes: Uint8Array }[] {
  const r = new WasmReader(wasm, "module");
  r.take(8);
  const sections = [];
  while (!r.done) {
    const id = r.byte();
    sections.push({ id, bytes: r.take(r.u32()) });
  }
  return sections;
}

/** Types, and which of them is the counter by which Binaryen's fuzzer ends loops and recursion: it starts at 100. */
function readGlobals(bytes: Uint8Array): { type: string; fuel: boolean }[] {
  const r = new WasmReader(bytes, "globals");
  return r.vector(() => {
    const start = r.position;
    const type = TYPES[r.byte()] ?? "?";
    r.byte();
    // A constant expression: what stands in it cannot be an `end` unless it is the end (see the encodings).
    for (let code = r.byte(); code !== 0x0b; code = r.byte()) {
      if (code === 0x41) r.skipLeb(32);
      else if (code === 0x42) r.skipLeb(64);
      else if (code === 0x43) r.take(4);
      else if (code === 0x44) r.take(8);
      else r.skipLeb(33); // ref.null, ref.func, global.get
    }
    const fuel = Buffer.from(bytes.subarray(start, r.position)).equals(FUEL);
    return { type, fuel };
  });
}

/** The module with its own exports replaced by ours, and without its start function. It must have no imports. */
export function exposed(wasm: Uint8Array): Exposed {
  const module = readWasm(wasm);
  const sections = sectionsOf(wasm).filter(
    ({ id }) => id !== SECTIONS.export && id !== SECTIONS.start && id !== 0,
  );
  const globals = sections
    .filter(({ id }) => id === SECTIONS.global)
    .flatMap(({ bytes }) => readGlobals(bytes))
    .map((global, index) => ({ name: `g${String(index)}`, ...global }));
  const functions = module.signatures.map((signature, index) => {
    const [parameters, results] = signature
      .split("->")
      .map((part) => part.split(" ").filter((word) => word !== ""));
    return { name: `f${String(index)}`, parameters: parameters ?? [], results: results ?? [] };
  });
  const memory = sections.some(({ id }) => id === SECTIONS.memory);
  const entry = (name: string, kind: number, index: number): number[] => [
    name.length,
    ...Buffer.from(name),
    kind,
    ...leb(index),
  ];
  const entries = [
    ...functions.map(({ name }, index) => entry(name, KIND.function, index)),
    ...globals.map(({ name }, index) => entry(name, KIND.global, index)),
    ...(memory ? [entry("memory", KIND.memory, 0)] : []),
  ];
  const body = [...leb(entries.length), ...entries.flat()];
  const at = sections.findLastIndex(({ id }) => BEFORE.includes(id)) + 1;
  sections.splice(at, 0, { id: SECTIONS.export, bytes: Uint8Array.from(body) });
  const bytes = sections.flatMap(({ id, bytes: contents }) => [
    Uint8Array.from([id, ...leb(contents.length)]),
    contents,
  ]);
  const exposedWasm = Buffer.concat([wasm.subarray(0, 8), ...bytes]);
  return { wasm: exposedWasm, module: readWasm(exposedWasm), functions, globals, memory };
}
