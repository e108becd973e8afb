// What goes into a request, and what comes out of a reply: strings, each followed by a NUL, and bytes
// (docs/misc/xenstore.txt).

import { XENSTORE_PAYLOAD_MAX } from "../../raw/abi/xs_wire";
import { E2BIG, EINVAL } from "../../raw/errno";

@lazy const buffer: usize = memory.data(XENSTORE_PAYLOAD_MAX, 8);
let filled: u32 = 0;
let failure: i64 = 0;

/** The payload of the next request. There is one at a time. */
export namespace payload {
  export function begin(): void {
    filled = 0;
    failure = 0;
  }

  /** A string and its NUL. One that has a NUL in it would be two: -EINVAL. */
  export function text(value: string): void {
    if (value.includes("\0")) failure = -EINVAL;
    encode(value, true);
  }

  /** A string as it is: a value. */
  export function characters(value: string): void {
    encode(value, false);
  }

  function encode(value: string, nul: bool): void {
    const size = <u32>String.UTF8.byteLength(value, nul);
    if (filled + size > XENSTORE_PAYLOAD_MAX) failure = -E2BIG;
    if (failure != 0) return;
    String.UTF8.encodeUnsafe(changetype<usize>(value), value.length, buffer + filled, nul);
    filled += size;
  }

  export function bytes(from: usize, size: u32): void {
    if (filled + size > XENSTORE_PAYLOAD_MAX) failure = -E2BIG;
    if (failure != 0) return;
    memory.copy(buffer + filled, from, size);
    filled += size;
  }

  export function address(): usize {
    return buffer;
  }

  export function size(): u32 {
    return filled;
  }

  /** 0, or why the request is not possible. */
  export function error(): i64 {
    return failure;
  }
}

/** The strings in `size` bytes from `from`; what follows the last NUL is one too, unless it is empty. */
export function stringsOf(from: usize, size: u32): Array<string> {
  const strings: Array<string> = [];
  let start: u32 = 0;
  for (let at: u32 = 0; at < size; at++) {
    if (load<u8>(from + at) != 0) continue;
    strings.push(String.UTF8.decodeUnsafe(from + start, at - start));
    start = at + 1;
  }
  if (start < size) strings.push(String.UTF8.decodeUnsafe(from + start, size - start));
  return strings;
}

/** The first of them; empty if there is none. */
export function stringOf(from: usize, size: u32): string {
  let end: u32 = 0;
  while (end < size && load<u8>(from + end) != 0) end++;
  return String.UTF8.decodeUnsafe(from, end);
}
