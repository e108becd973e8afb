// Which line of the guest's source an instruction comes from, by asc's source map: https://tc39.es/ecma426/

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

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The mappings of a source map, of its one generated line: a Wasm file has no others. */
export function mappingsOf(sourceMap: string): Mapping[] {
  const { mappings, sources } = JSON.parse(sourceMap) as { mappings: string; sources: string[] };
  const result: Mapping[] = [];
  let offset = 0;
  let source = 0;
  let line = 0;
  for (const segment of mappings.split(",")) {
    const fields: number[] = [];
    let value = 0;
    let shift = 0;
    for (const digit of segment) {
      const bits = DIGITS.indexOf(digit);
      value |= (bits & 31) << shift;
      shift += 5;
      if (bits & 32) continue;
      fields.push(value & 1 ? -(value >>> 1) : value >>> 1);
      value = shift = 0;
    }
    const [forward = 0, sourceForward, lineForward] = fields;
    offset += forward;
    if (sourceForward === undefined || lineForward === undefined) continue; // from no source
    source += sourceForward;
    line += lineForward;
    result.push({ offset, file: sources[source] ?? "?", line: line + 1 });
  }
  return result;
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
