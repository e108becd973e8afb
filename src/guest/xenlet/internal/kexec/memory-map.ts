// The domain's memory map, as its loader gave it, and as the next kernel shall get it.

import { boot_data } from "../intrinsics";
import {
  XEN_HVM_MEMMAP_TYPE_RAM,
  XEN_HVM_MEMMAP_TYPE_RESERVED,
  hvm_memmap_table_entry,
} from "../../raw/abi/start_info";
import { PhysicalBytes } from "../memory/physical";
import { BootData } from "../start/start-info";

export class MemoryMapEntry extends PhysicalBytes {
  constructor(
    paddr: u64,
    size: u64,
    /** XEN_HVM_MEMMAP_TYPE_*. */
    readonly type: u32,
  ) {
    super(paddr, size);
  }

  get isRam(): bool {
    return this.type == XEN_HVM_MEMMAP_TYPE_RAM;
  }
}

/** The memory map that this guest was started with: hvm_memmap_table_entry (hvm/start_info.h). */
export class MemoryMap {
  constructor(readonly entries: Array<MemoryMapEntry>) {}

  /** This domain's. */
  static read(): MemoryMap {
    const size = boot_data(BootData.MEMMAP, 0, 0);
    const buffer = heap.alloc(size);
    boot_data(BootData.MEMMAP, buffer, size);
    const entries: Array<MemoryMapEntry> = [];
    for (let at: usize = 0; at < size; at += offsetof<hvm_memmap_table_entry>()) {
      const entry = changetype<hvm_memmap_table_entry>(buffer + at);
      entries.push(new MemoryMapEntry(entry.addr, entry.size, entry.type));
    }
    heap.free(buffer);
    return new MemoryMap(entries);
  }

  /** Whether all of it is in one piece of RAM. */
  hasRam(bytes: PhysicalBytes): bool {
    for (let i = 0; i < this.entries.length; i++) {
      const entry = this.entries[i];
      if (entry.isRam && bytes.paddr >= entry.paddr && bytes.end <= entry.end) return true;
    }
    return false;
  }

  /** The same, with the RAM from `limit` on reserved: for a kernel that shall leave it alone. */
  below(limit: u64): MemoryMap {
    const entries: Array<MemoryMapEntry> = [];
    for (let i = 0; i < this.entries.length; i++) {
      const entry = this.entries[i];
      if (!entry.isRam || entry.end <= limit) {
        entries.push(entry);
        continue;
      }
      const kept = entry.paddr < limit ? limit - entry.paddr : 0;
      if (kept > 0) entries.push(new MemoryMapEntry(entry.paddr, kept, XEN_HVM_MEMMAP_TYPE_RAM));
      entries.push(new MemoryMapEntry(entry.paddr + kept, entry.size - kept, XEN_HVM_MEMMAP_TYPE_RESERVED));
    }
    return new MemoryMap(entries);
  }

  /** Its pieces of RAM below `limit`. */
  ramBelow(limit: u64): Array<PhysicalBytes> {
    const pieces: Array<PhysicalBytes> = [];
    for (let i = 0; i < this.entries.length; i++) {
      const entry = this.entries[i];
      if (entry.isRam && entry.paddr < limit)
        pieces.push(new PhysicalBytes(entry.paddr, min(entry.end, limit) - entry.paddr));
    }
    return pieces;
  }
}
