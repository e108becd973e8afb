// The name section: what compilers leave for people. Nothing depends on it, so what is malformed in it is not there.
// https://webassembly.github.io/spec/core/appendix/custom.html#name-section

import { Bytes } from "./bytes.js";
import type { WasmExport } from "./module.js";

const FUNCTION_NAMES = 1;
const LOCAL_NAMES = 2;

export interface Names {
  /** By index: of the name section, else what they are exported as. */
  functions: Map<number, string>;
  /** Of parameters and locals, by function and index. */
  locals: Map<number, Map<number, string>>;
}

/** `section`: null if there is none. */
export function namesOf(section: Bytes | null, exports: WasmExport[]): Names {
  const functions = new Map<number, string>();
  const locals = new Map<number, Map<number, string>>();
  for (const { kind, name, index } of exports)
    if (kind === "function" && !functions.has(index)) functions.set(index, name);
  try {
    while (section !== null && !section.done) {
      const id = section.byte();
      const part = section.part(section.u32(), "name section");
      if (id === FUNCTION_NAMES) readMap(part, functions);
      else if (id === LOCAL_NAMES)
        for (let left = part.u32(); left > 0; left--) {
          const own = new Map<number, string>();
          locals.set(part.u32(), own);
          readMap(part, own);
        }
    }
  } catch {
    // Names up to here are as good as they were.
  }
  return { functions, locals };
}

function readMap(part: Bytes, names: Map<number, string>): void {
  for (let left = part.u32(); left > 0; left--) names.set(part.u32(), part.name());
}
