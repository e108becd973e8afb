// Messages, from the daemon's side. To it names and tokens are bytes: each is one code unit of a string here, so
// that what came in goes out again as it was.

import { XENSTORE_PAYLOAD_MAX, xsd_sockmsg } from "xenlet/raw/abi/xs_wire";
import { HEADER } from "xenlet/internal/xenstore/page";

/** `size` bytes from `from` as a string of as many units. */
export function textOf(from: usize, size: u32): string {
  const text = changetype<string>(__new((<usize>size) << 1, idof<string>()));
  for (let i: u32 = 0; i < size; i++)
    store<u16>(changetype<usize>(text) + ((<usize>i) << 1), load<u8>(from + i));
  return text;
}

export function bytesOf(from: usize, size: u32): StaticArray<u8> {
  const bytes = new StaticArray<u8>(size);
  memory.copy(changetype<usize>(bytes), from, size);
  return bytes;
}

/** What a request carries behind its header. */
export class Arguments {
  constructor(
    private from: usize,
    private size: u32,
  ) {}

  /** The strings that end in a NUL. */
  texts(): Array<string> {
    const texts: Array<string> = [];
    let start: u32 = 0;
    for (let at: u32 = 0; at < this.size; at++) {
      if (load<u8>(this.from + at) != 0) continue;
      texts.push(textOf(this.from + start, at - start));
      start = at + 1;
    }
    return texts;
  }

  /** The one string that it is, with its NUL; null if it is not that. */
  text(): string | null {
    if (this.size == 0 || load<u8>(this.from + this.size - 1) != 0) return null;
    const texts = this.texts();
    return texts.length == 1 ? texts[0] : null;
  }

  /** What follows the first `count` strings. */
  rest(texts: Array<string>, count: i32): StaticArray<u8> {
    let at: u32 = 0;
    for (let i = 0; i < count; i++) at += texts[i].length + 1;
    return bytesOf(this.from + at, this.size - at);
  }
}

/** A message to be sent to a domain. */
export class Outgoing {
  constructor(
    readonly bytes: StaticArray<u8>,
    readonly isEvent: bool,
  ) {}

  same(other: Outgoing): bool {
    if (this.isEvent != other.isEvent || this.bytes.length != other.bytes.length) return false;
    return (
      memory.compare(changetype<usize>(this.bytes), changetype<usize>(other.bytes), this.bytes.length) == 0
    );
  }
}

/** What goes behind the header of a reply or an event. */
export class Content {
  private bytes: StaticArray<u8> = new StaticArray<u8>(XENSTORE_PAYLOAD_MAX);
  size: u32 = 0;
  /** It is more than a message may carry. */
  tooLong: bool = false;

  /** With its NUL. */
  text(text: string): this {
    if (this.hasRoom(text.length + 1)) {
      for (let i = 0; i < text.length; i++) this.bytes[this.size++] = <u8>text.charCodeAt(i);
      this.bytes[this.size++] = 0;
    }
    return this;
  }

  raw(bytes: StaticArray<u8>): this {
    if (this.hasRoom(bytes.length)) {
      memory.copy(changetype<usize>(this.bytes) + this.size, changetype<usize>(bytes), bytes.length);
      this.size += bytes.length;
    }
    return this;
  }

  /** Whether a string of `length` fits, and its NUL. */
  fits(length: u32): bool {
    return this.size + length + 1 <= XENSTORE_PAYLOAD_MAX;
  }

  private hasRoom(size: u32): bool {
    if (this.size + size > XENSTORE_PAYLOAD_MAX) this.tooLong = true;
    return !this.tooLong;
  }

  message(type: u32, requestId: u32, transactionId: u32, isEvent: bool): Outgoing {
    const message = new StaticArray<u8>(HEADER + this.size);
    const header = changetype<xsd_sockmsg>(changetype<usize>(message));
    header.type = type;
    header.req_id = requestId;
    header.tx_id = transactionId;
    header.len = this.size;
    memory.copy(changetype<usize>(message) + HEADER, changetype<usize>(this.bytes), this.size);
    return new Outgoing(message, isEvent);
  }
}
