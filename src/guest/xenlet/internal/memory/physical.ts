// Runs of bytes in guest physical memory: what the loader brought along, and what another kernel is to find.

import { frame_of, physical_read, shared_map } from "../intrinsics";

const PAGE_SIZE: u64 = 4096;

@lazy const word: usize = memory.data(sizeof<u64>(), 8);

/** Bytes that can be read, wherever they are. */
export abstract class ByteSource {
  constructor(
    /** In bytes. */
    readonly size: u64,
  ) {}

  /** Copies `size` bytes from `offset` on to `to`. The caller knows that there are so many. */
  abstract read(offset: u64, to: usize, size: u32): void;

  /** The little-endian number of 32 bits at `offset`. The caller knows that it is there. */
  u32(offset: u64): u32 {
    this.read(offset, word, sizeof<u32>());
    return load<u32>(word);
  }

  /** The little-endian number of 64 bits at `offset`. The caller knows that it is there. */
  u64(offset: u64): u64 {
    this.read(offset, word, sizeof<u64>());
    return load<u64>(word);
  }
}

/** A run of bytes in guest physical memory. */
export class PhysicalBytes extends ByteSource {
  constructor(
    /** Guest physical. */
    readonly paddr: u64,
    size: u64,
  ) {
    super(size);
  }

  /** Where `bytes` are: linear memory is contiguous. They stay in memory permanently. */
  static of(bytes: StaticArray<u8>): PhysicalBytes {
    const at = changetype<usize>(bytes);
    __pin(at);
    return PhysicalBytes.at(at, bytes.length);
  }

  /** Where `size` bytes from `address` of linear memory on are, which the caller keeps there. */
  static at(address: usize, size: u32): PhysicalBytes {
    return new PhysicalBytes(frame_of(address) * PAGE_SIZE + (address % <usize>PAGE_SIZE), size);
  }

  /** The first byte after it. */
  get end(): u64 {
    return this.paddr + this.size;
  }

  /** Whether any byte is in both. */
  overlaps(other: PhysicalBytes): bool {
    return this.paddr < other.end && other.paddr < this.end;
  }

  read(offset: u64, to: usize, size: u32): void {
    physical_read(to, this.paddr + offset, size);
  }

  /**
   * Maps it, to be read through the intrinsics for shared memory. Returns its address, or 0 if the window (2 MiB
   * for everything) has no room for it.
   */
  map(): usize {
    const pages = <u32>(((this.paddr % PAGE_SIZE) + this.size + PAGE_SIZE - 1) / PAGE_SIZE);
    const at = shared_map(this.paddr / PAGE_SIZE, pages);
    return at == 0 ? 0 : at + <usize>(this.paddr % PAGE_SIZE);
  }
}
