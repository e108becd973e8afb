// Which line of the guest's source an instruction comes from, by asc's source map: https://tc39.es/ecma426/

import { decode } from "@jridgewell/sourcemap-codec";

export interface Place {
  /** As asc calls it: `main.ts`, `~lib/string.ts`. */
  file: string;
  /** From 1. */
  line: number;
}

interface Mapping extends Place {
  /** Of the instruction, in the Wasm file. */
  offset: number;
}

/** The mappings of a source map, of its one generated line: a Wasm file has no others. */
export function mappingsOf(sourceMap: string): Mapping[] {
  const { mappings, sources } = JSON.parse(sourceMap) as { mappings: string; sources: string[] };
  const [segments = []] = decode(mappings);
  return segments.flatMap((segment) => {
    if (segment.length === 1) return []; // from no source
    const [offset, source, line] = segment;
    return [{ offset, file: sources[source] ?? "?", line: line + 1 }];
  });
}

/** Looks places up for offsets that only go up. */
export class LineTable {
  readonly #mappings: Mapping[];
  #next = 0;

  constructor(sourceMap: string) {
    this.#mappings = sourceMap === "" ? [] : mappingsOf(sourceMap);
  }

  /** The place that holds from `offset` on; null: none since `start`, where its function's code begins. */
  at(offset: number, start: number): Place | null {
    while ((this.#mappings[this.#next]?.offset ?? Infinity) <= offset) this.#next++;
    const mapping = this.#mappings[this.#next - 1];
    return mapping !== undefined && mapping.offset >= start ? mapping : null;
  }
}
