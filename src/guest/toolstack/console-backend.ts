// The daemon's end of a domain's PV console (io/console.h): what xenconsoled is to a domain under xl.

import { fence, load32, load8, store32, store8 } from "xenlet/internal/intrinsics";
import {
  XENCONS_IN,
  XENCONS_IN_CONS,
  XENCONS_IN_PROD,
  XENCONS_OUT,
  XENCONS_OUT_CONS,
  XENCONS_OUT_PROD,
} from "xenlet/raw/abi/console";
import { evtchn } from "xenlet/internal/events/evtchn";

const IN_SIZE: u32 = 1024;
const OUT_SIZE: u32 = 2048;

/** With more than this in the ring a domain may wait for room: for a byte's, or for a whole line's. */
const LITTLE_ROOM_FROM: u32 = OUT_SIZE / 2;

/** A line that is longer is passed on in parts, so that a domain cannot use up our memory. */
const LINE: u32 = 4096;

/** What takes a domain's lines. `ends`: whether the line ends here, or another part of it follows. */
export type LineTaker = (domid: u16, from: usize, size: u32, ends: bool) => void;

export class ConsoleBackend {
  private line: StaticArray<u8> = new StaticArray<u8>(LINE);
  private length: u32 = 0;
  /** Whether a part of the line has been passed on. */
  private parted: bool = false;

  /** `page`: where the ring is mapped; `port`: our end of its event channel. Lines go to `onLine`, without their newline. */
  constructor(
    readonly page: usize,
    public port: u32,
    readonly domid: u16,
    private onLine: LineTaker,
  ) {}

  /**
   * Takes what the domain has written, and tells it that there is room again where there was little: one that has enough
   * does not wait for it, and an event costs both sides more than a line does, and ends a SCHEDOP_poll of the domain's.
   * Returns how many bytes; none while its counters say that there is more than a ring's worth, which is nonsense.
   */
  drain(): u32 {
    const start = load32(this.page + XENCONS_OUT_CONS);
    const count = load32(this.page + XENCONS_OUT_PROD) - start;
    if (count == 0 || count > OUT_SIZE) return 0;
    /* The counter before the bytes that it announces. */
    fence();
    for (let i: u32 = 0; i < count; i++)
      this.take(<u8>load8(this.page + XENCONS_OUT + ((start + i) % OUT_SIZE)));
    /* The bytes are read before the domain may overwrite them. */
    fence();
    store32(this.page + XENCONS_OUT_CONS, start + count);
    /* What it wrote meanwhile counts: it waits by what it sees of our counter, so we look at its own after that. */
    fence();
    if (load32(this.page + XENCONS_OUT_PROD) - start > LITTLE_ROOM_FROM) evtchn.send(this.port);
    return count;
  }

  private take(byte: u8): void {
    if (byte == 0x0a) this.endLine();
    else if (byte != 0x0d) {
      if (this.length == LINE) this.passPart();
      unchecked((this.line[this.length++] = byte));
    }
  }

  private pass(size: u32, ends: bool): void {
    this.onLine(this.domid, changetype<usize>(this.line), size, ends);
    this.parted = !ends;
  }

  private endLine(): void {
    this.pass(this.length, true);
    this.length = 0;
  }

  /** Passes on a full buffer, but for the beginning of a character that is not whole. */
  private passPart(): void {
    const kept = this.unfinishedCharacter();
    this.pass(LINE - kept, false);
    const at = changetype<usize>(this.line);
    memory.copy(at, at + LINE - kept, kept);
    this.length = kept;
  }

  /** How many bytes at the end of the full buffer begin an incomplete UTF-8 character. */
  private unfinishedCharacter(): u32 {
    for (let back: u32 = 1; back <= 3; back++) {
      const byte = unchecked(this.line[LINE - back]);
      if ((byte & 0xc0) == 0x80) continue;
      const length: u32 = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
      return length > back ? back : 0;
    }
    return 0;
  }

  /** Takes what is left, and ends an unfinished line: the domain will write no more. */
  finish(): void {
    this.drain();
    if (this.length > 0 || this.parted) this.endLine();
  }

  /** Types `size` bytes on the domain's console; returns how many there was room for. */
  type(from: usize, size: u32): u32 {
    const start = load32(this.page + XENCONS_IN_PROD);
    const used = start - load32(this.page + XENCONS_IN_CONS);
    const count: u32 = used > IN_SIZE ? 0 : min(size, IN_SIZE - used);
    if (count == 0) return 0;
    /* The counter that says what is free before the bytes there are overwritten. */
    fence();
    for (let i: u32 = 0; i < count; i++)
      store8(this.page + XENCONS_IN + ((start + i) % IN_SIZE), load<u8>(from + i));
    fence();
    store32(this.page + XENCONS_IN_PROD, start + count);
    evtchn.send(this.port);
    return count;
  }
}
