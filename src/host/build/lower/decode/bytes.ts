// Wasm's binary encoding: bytes, LEB128 numbers, names, vectors.
// https://webassembly.github.io/spec/core/binary/values.html

import { invalid } from "./errors.js";
import { LIMITS } from "./limits.js";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class Bytes {
  position: number;

  /** The bytes of `all` from `start` on, below `end`; `where` they are, for messages: `function 12`. */
  constructor(
    readonly all: Uint8Array,
    start: number,
    readonly end: number,
    readonly where: string,
  ) {
    this.position = start;
  }

  get done(): boolean {
    return this.position >= this.end;
  }

  /** Ends here, with a sentence that says at which byte of the file. */
  fail(what: string): never {
    return invalid(this.where, `${what} (at byte ${this.position})`);
  }

  byte(): number {
    const value = this.all[this.position];
    if (value === undefined || this.position >= this.end) this.fail("unexpected end");
    this.position++;
    return value;
  }

  take(length: number): Uint8Array {
    if (length > this.end - this.position) this.fail("unexpected end");
    this.position += length;
    return this.all.subarray(this.position - length, this.position);
  }

  /** The next `length` bytes on their own. */
  part(length: number, where: string): Bytes {
    const start = this.position;
    this.take(length);
    return new Bytes(this.all, start, start + length, where);
  }

  /** Unsigned LEB128 of at most 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    const last = this.byte();
    if (last > 0x0f) this.fail("a number is longer than 32 bits");
    return (value | (last << 28)) >>> 0;
  }

  /** Signed LEB128 of at most 32 bits. */
  s32(): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value << (25 - shift)) >> (25 - shift);
    }
    const last = this.byte();
    // Four bits are left; the other three repeat the sign.
    if (last > 0x7f || ((last >> 3) & 0xf) % 0xf !== 0)
      this.fail("a number is longer than 32 bits");
    return value | (last << 28);
  }

  /** Signed LEB128 of at most 33 bits: what a block's type is. */
  s33(): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value << (25 - shift)) >> (25 - shift);
    }
    const last = this.byte();
    if (last > 0x7f || ((last >> 4) & 7) % 7 !== 0) this.fail("a number is longer than 33 bits");
    const high = last & 0x10 ? (last & 0x1f) - 0x20 : last & 0x1f;
    return high * 2 ** 28 + value;
  }

  /** Signed LEB128 of at most 64 bits. */
  s64(): bigint {
    const byte = this.byte();
    if (byte < 0x80) return BigInt((byte << 25) >> 25);
    let value = BigInt(byte & 0x7f);
    for (let shift = 7n; shift < 63n; shift += 7n) {
      const next = this.byte();
      value |= BigInt(next & 0x7f) << shift;
      if (next < 0x80) return BigInt.asIntN(Number(shift) + 7, value);
    }
    const last = this.byte();
    if (last !== 0 && last !== 0x7f) this.fail("a number is longer than 64 bits");
    return BigInt.asIntN(64, value | (BigInt(last) << 63n));
  }

  u32le(): number {
    const bytes = this.take(4);
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  }

  u64le(): bigint {
    const bytes = this.take(8);
    return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  }

  name(): string {
    const length = this.u32();
    if (length > LIMITS.nameBytes)
      this.fail(`a name of ${length} bytes: at most ${LIMITS.nameBytes} are allowed`);
    const bytes = this.take(length);
    try {
      return utf8.decode(bytes);
    } catch {
      return this.fail("a name is not UTF-8");
    }
  }

  /** A vector's length. */
  count(what: string, limit: number): number {
    const count = this.u32();
    if (count > limit) this.fail(`${count} ${what}: at most ${limit} are allowed`);
    return count;
  }

  vector<T>(what: string, limit: number, item: (index: number) => T): T[] {
    const count = this.count(what, limit);
    const items: T[] = []; // grows as the bytes allow, whatever the count promises
    for (let index = 0; index < count; index++) items.push(item(index));
    return items;
  }
}
