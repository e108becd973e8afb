// Lines of the guest's source in its machine code. asc's source map says which instruction of the Wasm module comes
// from which line; wasm2c forgets it. So at each such place a constant is put into the module and dropped again: it
// comes out as a line of the C that does nothing, which is taken out and leaves a #line behind for gcc.

import { BuildError } from "../build-error.js";
import type { LoweredC } from "./lowered-c.js";
import { WasmReader } from "./wasm-reader.js";

interface Place {
  /** As asc calls it: `main.ts`, `~lib/string.ts`. */
  file: string;
  /** From 1. */
  line: number;
}

interface Mapping extends Place {
  /** Of the instruction, in the file. */
  offset: number;
}

export interface Marked {
  wasm: Uint8Array;
  /** What each mark stands for, by its number. */
  places: Place[];
}

const CODE_SECTION = 10;
const I64_CONST = 0x42;
const DROP = 0x1a;
/** The upper half of each mark; a module that has such constants of its own loses no more than some lines. */
const MARK = 0x3a7b_c1e5n;

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The mappings of a source map, https://tc39.es/ecma426/, of one generated line: a Wasm file has no others. */
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

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return [...bytes, value];
}

function mark(number: number): number[] {
  const bytes: number[] = [];
  let value = (MARK << 32n) | BigInt(number);
  for (; value > 63n; value >>= 7n) bytes.push(Number(value & 127n) | 128);
  return [I64_CONST, ...bytes, Number(value), DROP];
}

/** The module with a mark before each instruction where another line begins. */
export function withMarks(wasm: Uint8Array, sourceMap: string): Marked {
  const mappings = mappingsOf(sourceMap);
  const places: Place[] = [];
  const parts: Uint8Array[] = [wasm.subarray(0, 8)];
  let next = 0;

  const body = (start: number, end: number): Uint8Array => {
    const pieces: Uint8Array[] = [];
    let copied = start;
    let last: Place | null = null;
    const r = new WasmReader(wasm.subarray(start, end), "code section");
    r.vector(() => {
      r.u32();
      r.byte();
    });
    const code = start + r.position;
    for (; (mappings[next]?.offset ?? Infinity) < end; next++) {
      const mapping = mappings[next];
      if (!mapping || mapping.offset < code) continue;
      if (last?.line === mapping.line && last.file === mapping.file) continue;
      last = mapping;
      pieces.push(wasm.subarray(copied, mapping.offset), Uint8Array.from(mark(places.length)));
      places.push({ file: mapping.file, line: mapping.line });
      copied = mapping.offset;
    }
    pieces.push(wasm.subarray(copied, end));
    return Buffer.concat(pieces);
  };

  const r = new WasmReader(wasm, "sections");
  r.take(8);
  while (!r.done) {
    const begin = r.position;
    const id = r.byte();
    const size = r.u32();
    const end = r.position + size;
    if (id === CODE_SECTION) {
      const count = r.u32();
      const bodies: Uint8Array[] = [];
      for (let index = 0; index < count; index++) {
        const length = r.u32();
        const marked = body(r.position, r.position + length);
        bodies.push(Uint8Array.from(unsigned(marked.length)), marked);
        r.take(length);
      }
      const content = Buffer.concat([Uint8Array.from(unsigned(count)), ...bodies]);
      parts.push(Uint8Array.from([id, ...unsigned(content.length)]), content);
    } else {
      parts.push(wasm.subarray(begin, end));
      r.take(size);
    }
  }
  return { wasm: Buffer.concat(parts), places };
}

/**
 * The C of a marked module: as it is without marks, to be read, and the same with a #line at each, for gcc. All that
 * stands between two marks is one line of C there, since gcc counts on from a #line.
 */
export function withLines({ c }: LoweredC, places: Place[]): { plain: string; lined: string } {
  const plain: string[] = [];
  const lined: string[] = [];
  let waiting: string[] | null = null;
  let line = "";
  const flush = (): void => {
    if (waiting !== null && waiting.length > 0) lined.push(waiting.join(" "));
    waiting = null;
  };
  for (const text of c.split("\n")) {
    const number = /^ *var_j\d+ = (\d+)ull;$/.exec(text)?.[1];
    const value = number === undefined ? 0n : BigInt(number);
    const place = value >> 32n === MARK ? places[Number(value & 0xffff_ffffn)] : undefined;
    if (place) {
      flush();
      line = `#line ${String(place.line)} ${JSON.stringify(place.file)}`;
      lined.push(line);
      waiting = [];
      continue;
    }
    plain.push(text);
    if (waiting === null) lined.push(text);
    else if (text.startsWith("#")) {
      flush();
      lined.push(text, line);
      waiting = [];
    } else if (text === "}") {
      flush();
      lined.push(`#line ${String(plain.length)} "guest.c"`, text);
    } else waiting.push(text.trim());
  }
  if (waiting !== null) throw new BuildError("the lowered C ends inside a function");
  return { plain: plain.join("\n"), lined: lined.join("\n") };
}
