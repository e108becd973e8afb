// What the next kernel finds at its entry: struct hvm_start_info, version 1, and all that it points to.
//
//   hvm_start_info | modules | memory map | command line, NUL

import { boot_data, physical_write } from "../intrinsics";
import {
  XEN_HVM_START_MAGIC_VALUE,
  hvm_memmap_table_entry,
  hvm_modlist_entry,
  hvm_start_info,
} from "../../raw/abi/start_info";
import { PhysicalBytes } from "../memory/physical";
import { BootData } from "../start/start-info";
import { MemoryMap } from "./memory-map";

/** The jump itself writes the digits: KEXEC_SEQUENCE_DIGITS of them in boot/boot.h. */
const SEQUENCE = "seq=0000000000";
const SEQUENCE_DIGITS = 10;

export class StartInfoBlock {
  /** Where in the block the digits behind `seq=` are; 0: the command line has none. */
  readonly sequenceOffset: u64;
  private readonly line: ArrayBuffer;

  /** `words` come before `cmdline`; `sequence`: and after them the number of the next record. */
  constructor(
    words: string,
    sequence: bool,
    cmdline: string,
    private modules: Array<PhysicalBytes>,
    private map: MemoryMap,
  ) {
    const before = words + (words.length > 0 ? " " : "") + (sequence ? SEQUENCE + " " : "");
    this.line = String.UTF8.encode(before + cmdline, true);
    this.sequenceOffset = sequence
      ? this.lineOffset + String.UTF8.byteLength(before) - SEQUENCE_DIGITS - 1
      : 0;
  }

  private get mapOffset(): u64 {
    return offsetof<hvm_start_info>() + <u64>this.modules.length * offsetof<hvm_modlist_entry>();
  }

  private get lineOffset(): u64 {
    return this.mapOffset + <u64>this.map.entries.length * offsetof<hvm_memmap_table_entry>();
  }

  get size(): u64 {
    return this.lineOffset + this.line.byteLength;
  }

  /** Writes it to physical `paddr`, a multiple of 8. */
  write(paddr: u64): void {
    const buffer = new StaticArray<u8>(<i32>this.lineOffset);
    const at = changetype<usize>(buffer);
    /* Flags and RSDP are this kernel's own. */
    boot_data(BootData.START_INFO, at, <u32>offsetof<hvm_start_info>());
    const info = changetype<hvm_start_info>(at);
    info.magic = XEN_HVM_START_MAGIC_VALUE;
    info.version = 1;
    info.nr_modules = this.modules.length;
    info.modlist_paddr = this.modules.length == 0 ? 0 : paddr + offsetof<hvm_start_info>();
    info.cmdline_paddr = paddr + this.lineOffset;
    info.memmap_paddr = paddr + this.mapOffset;
    info.memmap_entries = this.map.entries.length;
    info.reserved = 0;
    for (let i = 0; i < this.modules.length; i++) {
      const entry = changetype<hvm_modlist_entry>(
        at + offsetof<hvm_start_info>() + <usize>i * offsetof<hvm_modlist_entry>(),
      );
      entry.paddr = this.modules[i].paddr;
      entry.size = this.modules[i].size;
    }
    for (let i = 0; i < this.map.entries.length; i++) {
      const entry = changetype<hvm_memmap_table_entry>(
        at + <usize>this.mapOffset + <usize>i * offsetof<hvm_memmap_table_entry>(),
      );
      entry.addr = this.map.entries[i].paddr;
      entry.size = this.map.entries[i].size;
      entry.type = this.map.entries[i].type;
    }
    physical_write(paddr, at, buffer.length);
    physical_write(paddr + this.lineOffset, changetype<usize>(this.line), this.line.byteLength);
  }
}
