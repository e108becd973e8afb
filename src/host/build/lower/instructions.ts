// Goes through a function's instructions, to find those that the lowering does not have.
// https://webassembly.github.io/spec/core/binary/instructions.html

import { BuildError } from "../build-error.js";
import type { WasmReader } from "./wasm-reader.js";

type Immediates = (r: WasmReader) => void;

const nothing: Immediates = () => undefined;
const index: Immediates = (r) => {
  r.u32();
};
const twoIndices: Immediates = (r) => {
  r.u32();
  r.u32();
};
const blockType: Immediates = (r) => {
  r.skipLeb(33);
};

class Unsupported extends Error {}

const unsupported =
  (feature: string): Immediates =>
  () => {
    throw new Unsupported(feature);
  };
const EXCEPTIONS = unsupported("exceptions");
const TYPED_REFERENCES = unsupported("typed function references");

const memoryAccess: Immediates = (r) => {
  if (r.u32() & 0x40) throw new Unsupported("more than one memory");
  r.skipLeb(32);
};
const memoryIndex: Immediates = (r) => {
  if (r.u32() !== 0) throw new Unsupported("more than one memory");
};

const one = new Map<number, Immediates>();
const set = (first: number, last: number, immediates: Immediates): void => {
  for (let code = first; code <= last; code++) one.set(code, immediates);
};
set(0x00, 0x01, nothing); // unreachable, nop
set(0x02, 0x04, blockType); // block, loop, if
set(0x05, 0x05, nothing); // else
set(0x06, 0x0a, EXCEPTIONS);
set(0x0b, 0x0b, nothing); // end
set(0x0c, 0x0d, index); // br, br_if
set(0x0e, 0x0e, (r) => {
  r.vector(() => r.u32()); // br_table
  r.u32();
});
set(0x0f, 0x0f, nothing); // return
set(0x10, 0x10, index); // call
set(0x11, 0x11, twoIndices); // call_indirect
set(0x12, 0x12, index); // return_call
set(0x13, 0x13, twoIndices); // return_call_indirect
set(0x14, 0x15, TYPED_REFERENCES); // call_ref, return_call_ref
set(0x18, 0x19, EXCEPTIONS);
set(0x1a, 0x1b, nothing); // drop, select
set(0x1c, 0x1c, (r) => {
  r.vector(() => r.byte()); // select with a type
});
set(0x1f, 0x1f, EXCEPTIONS);
set(0x20, 0x26, index); // locals, globals, table.get and .set
set(0x28, 0x3e, memoryAccess);
set(0x3f, 0x40, memoryIndex); // memory.size, memory.grow
set(0x41, 0x41, (r) => {
  r.skipLeb(32); // i32.const
});
set(0x42, 0x42, (r) => {
  r.skipLeb(64); // i64.const
});
set(0x43, 0x43, (r) => r.take(4)); // f32.const
set(0x44, 0x44, (r) => r.take(8)); // f64.const
set(0x45, 0xc4, nothing); // comparisons, arithmetic, conversions, sign extension
set(0xd0, 0xd0, blockType); // ref.null
set(0xd1, 0xd1, nothing); // ref.is_null
set(0xd2, 0xd2, index); // ref.func
set(0xd3, 0xd3, unsupported("garbage collection"));
set(0xd4, 0xd6, TYPED_REFERENCES);
set(0xfb, 0xfb, unsupported("garbage collection"));
set(0xfd, 0xfd, unsupported("128-bit vectors (SIMD)"));
set(0xfe, 0xfe, unsupported("atomics (threads)"));

/** Behind 0xfc. */
const afterFc: Immediates[] = [
  ...Array<Immediates>(8).fill(nothing), // saturating truncations
  (r) => {
    index(r); // memory.init
    memoryIndex(r);
  },
  index, // data.drop
  (r) => {
    memoryIndex(r); // memory.copy
    memoryIndex(r);
  },
  memoryIndex, // memory.fill
  twoIndices, // table.init
  index, // elem.drop
  twoIndices, // table.copy
  index, // table.grow
  index, // table.size
  index, // table.fill
  ...Array<Immediates>(4).fill(unsupported("wide arithmetic")),
];
set(0xfc, 0xfc, (r) => {
  const code = r.u32();
  const immediates = afterFc[code];
  if (immediates === undefined)
    throw new BuildError(`instruction 0xfc ${String(code)} in the module's ${r.what} is unknown`);
  immediates(r);
});

const OPENS = new Set([0x02, 0x03, 0x04]);
const END = 0x0b;

/** Reads one expression up to its `end`; returns the name of the first feature that the lowering lacks, or null. */
export function unsupportedInstruction(r: WasmReader): string | null {
  try {
    for (let depth = 1; depth > 0;) {
      const code = r.byte();
      const immediates = one.get(code);
      if (immediates === undefined)
        throw new BuildError(
          `instruction 0x${code.toString(16)} in the module's ${r.what} is unknown`,
        );
      immediates(r);
      if (OPENS.has(code)) depth++;
      if (code === END) depth--;
    }
    return null;
  } catch (error) {
    if (error instanceof Unsupported) return error.message;
    throw error;
  }
}
