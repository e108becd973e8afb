// Wasm's binary encoding: bytes, LEB128 numbers, names, vectors.

import { BuildError } from "../build-error.js";

export class WasmReader {
  position = 0;

  /** `what` the bytes are, for errors: "section 3", "function 12". */
  constructor(
    readonly bytes: Uint8Array,
    readonly what: string,
  ) {}

  get done(): boolean {
    return this.position >= this.bytes.length;
  }

  byte(): number {
    const value = this.bytes[this.position];
    if (value === undefined) throw new BuildError(`the Wasm module ends inside its ${this.what}`);
    this.position++;
    return value;
  }

  take(length: number): Uint8Array {
    if (this.position + length > this.bytes.length)
      throw new BuildError(`the Wasm module ends inside its ${this.what}`);
    this.position += length;
    return this.bytes.subarray(this.position - length, this.position);
  }

  /** LEB128 of at most `bits` bits, which nobody needs the value of. */
  skipLeb(bits: number): void {
    for (let shift = 0; shift < bits; shift += 7) if (this.byte() < 0x80) return;
    throw new BuildError(`a number in the Wasm module's ${this.what} is longer than ${bits} bits`);
  }

  /** Unsigned LEB128 of at most 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new BuildError(`a number in the Wasm module's ${this.what} is longer than 32 bits`);
  }

  /** Signed LEB128 of at most 32 bits, as the unsigned number with the same bits. */
  i32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte & 0x40 && shift < 25) value |= -1 << (shift + 7);
        return value >>> 0;
      }
    }
    throw new BuildError(`a number in the Wasm module's ${this.what} is longer than 32 bits`);
  }

  name(): string {
    return new TextDecoder().decode(this.take(this.u32()));
  }

  vector<T>(item: () => T): T[] {
    return Array.from({ length: this.u32() }, item);
  }
}
