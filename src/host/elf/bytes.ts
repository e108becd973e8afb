import { ElfError } from "./error.js";

/**
 * The bytes of an ELF file, little endian. Every read is checked: outside the
 * file it throws an ElfError that says what was being read.
 */
export class Bytes {
  readonly #view: DataView;

  constructor(
    readonly data: Uint8Array,
    /** How errors name the file. */
    readonly name: string,
  ) {
    this.#view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  get size(): number {
    return this.data.byteLength;
  }

  fail(message: string): never {
    throw new ElfError(`${this.name}: ${message}`);
  }

  /** Throws unless [offset, offset + length) lies in the file. `what` begins the message. */
  require(offset: number, length: number, what: string): void {
    if (offset + length <= this.size) return;
    this.fail(
      `${what} would end at byte ${offset + length}, but the file has ${this.size} bytes: ` +
        "it is truncated or damaged",
    );
  }

  u8(offset: number): number {
    this.require(offset, 1, `the byte at ${offset}`);
    return this.#view.getUint8(offset);
  }

  u16(offset: number): number {
    this.require(offset, 2, `the field at byte ${offset}`);
    return this.#view.getUint16(offset, true);
  }

  u32(offset: number): number {
    this.require(offset, 4, `the field at byte ${offset}`);
    return this.#view.getUint32(offset, true);
  }

  u64(offset: number): bigint {
    this.require(offset, 8, `the field at byte ${offset}`);
    return this.#view.getBigUint64(offset, true);
  }

  /** A 64-bit offset or size as a number. No file or memory here reaches 2^53. */
  size64(offset: number, what: string): number {
    const value = this.u64(offset);
    if (value > BigInt(Number.MAX_SAFE_INTEGER))
      this.fail(`${what} is impossible: 0x${value.toString(16)}`);
    return Number(value);
  }

  /** A 64-bit offset or size that nothing relies on: what is larger than any file counts as just that. */
  clamped64(offset: number): number {
    const value = this.u64(offset);
    return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
  }

  /** As Xen's libelf reads a field that may lie behind the file's end. */
  u32OrZero(offset: number): number {
    return offset + 4 <= this.size ? this.u32(offset) : 0;
  }

  /** Those of the bytes that the file has. */
  clipped(offset: number, length: number): Uint8Array {
    return this.data.subarray(Math.min(offset, this.size), Math.min(offset + length, this.size));
  }

  /** The same, with zeroes in place of those that it does not have. */
  padded(offset: number, length: number): Uint8Array {
    const padded = new Uint8Array(length);
    padded.set(this.clipped(offset, length));
    return padded;
  }

  slice(offset: number, length: number): Uint8Array {
    this.require(offset, length, `the range at byte ${offset}`);
    return this.data.subarray(offset, offset + length);
  }

  /** The NUL-terminated string at `index` of the string table [offset, offset + length). */
  string(table: { offset: number; size: number; name: string }, index: number): string {
    const bytes = this.slice(table.offset, table.size);
    const end = index < bytes.length ? bytes.indexOf(0, index) : -1;
    if (end < 0)
      this.fail(`the string at ${index} of ${table.name} runs past its end (${table.size} bytes)`);
    return new TextDecoder().decode(bytes.subarray(index, end));
  }
}
