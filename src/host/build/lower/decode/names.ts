// The name section: what compilers leave for people. Nothing depends on it, so what is malformed in it is not there.
// https://webassembly.github.io/spec/core/appendix/custom.html#name-section

import { Bytes } from "./bytes.js";
import type { WasmExport } from "./module.js";

const FUNCTION_NAMES = 1;

/** Function names by index: of the name section (null: there is none), else what they are exported as. */
export function functionNames(section: Bytes | null, exports: WasmExport[]): Map<number, string> {
  const names = new Map<number, string>();
  for (const { kind, name, index } of exports)
    if (kind === "function" && !names.has(index)) names.set(index, name);
  if (section === null) return names;
  try {
    while (!section.done) {
      const id = section.byte();
      const part = section.part(section.u32(), "name section");
      if (id !== FUNCTION_NAMES) continue;
      for (let left = part.u32(); left > 0; left--) names.set(part.u32(), part.name());
    }
  } catch {
    // Names up to here are as good as they were.
  }
  return names;
}
