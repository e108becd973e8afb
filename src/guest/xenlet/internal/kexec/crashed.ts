// The dead guest, as a crash kernel sees it: what its last moment left (boot/crash.c), and its memory, most of which
// is where it was and the rest where the jump put it.

import { physical_read } from "../intrinsics";
import { crashInfo } from "../start/run";
import {
  CRASH_KIND_SIZE,
  CRASH_MAGIC,
  CRASH_MAX_SAVED,
  CRASH_NO_VECTOR,
  crash_info,
  crash_saved,
} from "./crash-info";

const PAGE_SIZE: u64 = 4096;
const PTE_PRESENT: u64 = 1;
const PTE_SUPERPAGE: u64 = 0x80;
const PTE_FRAME: u64 = 0x000ffffffffff000;
const FNV_OFFSET: u64 = 0xcbf29ce484222325;
const FNV_PRIME: u64 = 0x100000001b3;
/** A longer frame pointer chain is considered damaged. */
const MAX_FRAMES = 64;

@lazy const infoPage: usize = memory.data(4096, 8);
@lazy const word: usize = memory.data(8, 8);
@lazy const chunk: usize = memory.data(4096, 8);

/** The guest that crashed into this kernel, as its crash handler and its memory tell: kexec.onCrash(). */
export class CrashedGuest {
  private constructor(
    /** What it left: registers by their names. */
    readonly info: crash_info,
  ) {}

  /** Null: this kernel was not started by a crash. */
  static find(): CrashedGuest | null {
    const paddr = crashInfo();
    if (paddr == 0) return null;
    physical_read(infoPage, paddr, <u32>PAGE_SIZE);
    const info = changetype<crash_info>(infoPage);
    if (info.magic != CRASH_MAGIC || info.saved_count > CRASH_MAX_SAVED) return null;
    return new CrashedGuest(info);
  }

  /** As its trap record has it: `out-of-bounds`, `abort`, …; empty for an exception without such a name. */
  get kind(): string {
    return String.UTF8.decodeUnsafe(infoPage + offsetof<crash_info>("kind0"), CRASH_KIND_SIZE, true);
  }

  /** The exception's number; -1 if it gave up by itself. */
  get vector(): i32 {
    return this.info.vector == CRASH_NO_VECTOR ? -1 : <i32>this.info.vector;
  }

  /** Where its physical address `paddr` is now. */
  whereNow(paddr: u64): u64 {
    for (let i: usize = 0; i < <usize>this.info.saved_count; i++) {
      const saved = changetype<crash_saved>(infoPage + offsetof<crash_info>() + i * offsetof<crash_saved>());
      if (paddr - saved.begin < saved.size) return paddr - saved.begin + saved.now_at;
    }
    return paddr;
  }

  /** Copies its memory from physical `paddr` on. */
  readPhysical(to: usize, paddr: u64, size: u32): void {
    while (size > 0) {
      const part = min(size, <u32>(PAGE_SIZE - (paddr % PAGE_SIZE)));
      physical_read(to, this.whereNow(paddr), part);
      to += part;
      paddr += part;
      size -= part;
    }
  }

  private entry(table: u64, index: u64): u64 {
    this.readPhysical(word, (table & PTE_FRAME) + index * 8, 8);
    return load<u64>(word);
  }

  /** The physical address behind its virtual one, by its own page tables; u64.MAX_VALUE where it had none. */
  translate(address: u64): u64 {
    let entry = this.info.cr3;
    let shift: u64 = 48;
    do {
      shift -= 9;
      entry = this.entry(entry, (address >> shift) & 511);
      if ((entry & PTE_PRESENT) == 0) return u64.MAX_VALUE;
    } while (shift > 30 || (shift > 12 && (entry & PTE_SUPERPAGE) == 0));
    const offset = ((<u64>1) << shift) - 1;
    return (entry & PTE_FRAME & ~offset) | (address & offset);
  }

  /** A word at its virtual `address`, which is a multiple of 8; 0 where it had no memory. */
  word(address: u64): u64 {
    const paddr = this.translate(address);
    if (paddr == u64.MAX_VALUE) return 0;
    this.readPhysical(word, paddr, 8);
    return load<u64>(word);
  }

  /** Where it was, and the return addresses on its stack: every frame begins with its caller's frame pointer. */
  backtrace(): Array<u64> {
    const frames: Array<u64> = [this.info.rip];
    let frame = this.info.rbp;
    while (frames.length < MAX_FRAMES && frame != 0 && frame % 8 == 0) {
      const caller = this.word(frame);
      const address = this.word(frame + 8);
      if (address == 0) break;
      frames.push(address);
      if (caller <= frame) break;
      frame = caller;
    }
    return frames;
  }

  /** Over its linear memory as it is now, as boot/crash.c made it over what it was: FNV-1a, 64 bits at a time. */
  checksum(): u64 {
    let sum = FNV_OFFSET;
    for (let at = PAGE_SIZE; at < this.info.linear_bytes; at += PAGE_SIZE) {
      const size = min(PAGE_SIZE, this.info.linear_bytes - at);
      this.readPhysical(chunk, this.info.linear_begin + at, <u32>size);
      for (let i: usize = 0; i < <usize>size; i += 8) sum = (sum ^ load<u64>(chunk + i)) * FNV_PRIME;
    }
    return sum;
  }

  /** Whether its linear memory is what it was when it crashed. */
  get isWhole(): bool {
    return this.checksum() == this.info.checksum;
  }
}
