// Makes everything of a module visible from outside: its functions, mutable globals and memory are exported, under
// names of their own, so that what it does can be seen.

import { Bytes } from "../../src/host/build/lower/decode/bytes.js";
import type { WasmModule } from "../../src/host/build/lower/decode/module.js";
import { decodeModule } from "../../src/host/build/lower/decode/sections.js";

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

export function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(Math.floor(value / 0x80))];
}

export interface Section {
  id: number;
  bytes: Uint8Array;
}

export function sectionsOf(wasm: Uint8Array): Section[] {
  const r = new Bytes(wasm, 8, wasm.length, "module");
  const sections: Section[] = [];
  while (!r.done) {
    const id = r.byte();
    sections.push({ id, bytes: r.take(r.u32()) });
  }
  return sections;
}

const HEADER = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

export function moduleOfSections(sections: Section[]): Uint8Array<ArrayBuffer> {
  const parts = sections.flatMap(({ id, bytes }) => [
    Uint8Array.from([id, ...leb(bytes.length)]),
    bytes,
  ]);
  return Uint8Array.from(Buffer.concat([HEADER, ...parts]));
}

/** The counter by which Binaryen's fuzzer ends loops and recursion starts at that. */
const FUEL = 100n;

/** The module with its own exports replaced by ours, and without its start function. It must have no imports. */
export function exposed(wasm: Uint8Array): Exposed {
  const module = decodeModule(wasm);
  const sections = sectionsOf(wasm).filter(
    ({ id }) => id !== SECTIONS.export && id !== SECTIONS.start && id !== 0,
  );
  const globals = module.globals.map(({ type, mutable, initial }, index) => ({
    name: `g${String(index)}`,
    type,
    fuel: mutable && initial?.type === "i32" && initial.bits === FUEL,
  }));
  const functions = module.functions.map(({ parameters, results }, index) => ({
    name: `f${String(index)}`,
    parameters: [...parameters],
    results: [...results],
  }));
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
  const exposedWasm = moduleOfSections(sections);
  return { wasm: exposedWasm, module: decodeModule(exposedWasm), functions, globals, memory };
}
