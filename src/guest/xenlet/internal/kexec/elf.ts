// A PVH image as an ELF file, 32 or 64 bit: what its headers and notes say, believed only as far as it is checked.
// What Xen's own loader asks for is xen/common/libelf/libelf-dominfo.c's (4.17); here each number is bounded
// before it is used, since the file may come from anywhere.

import {
  EHDR32_SIZE,
  EHDR64_SIZE,
  ELFCLASS32,
  ELFCLASS64,
  ELFDATA2LSB,
  ELF_MAGIC,
  EM_386,
  EM_X86_64,
  ET_DYN,
  ET_EXEC,
  EV_CURRENT,
  NHDR_SIZE,
  PHDR32_SIZE,
  PHDR64_SIZE,
  PT_LOAD,
  PT_NOTE,
  XEN_ELFNOTE_PHYS32_ENTRY,
  XEN_NOTE_OWNER,
} from "../../raw/abi/elf";
import { PhysicalBytes } from "../memory/physical";
import { Refusal, hex, range } from "./refusal";

/** More program headers than any kernel has. */
const MAX_PROGRAM_HEADERS: u32 = 64;
/** Notes that are looked at in one segment, at most: a file of nothing but notes must not keep us. */
const MAX_NOTES = 256;
const FOUR_GIB: u64 = 1 << 32;

/** What is being looked at: a header of the file, read whole. */
@lazy const header: usize = memory.data(64, 8);

/** A PT_LOAD: bytes of the file and then zeroes, to go to guest physical memory. */
export class Segment extends PhysicalBytes {
  constructor(
    /** Of its program header. */
    readonly index: u32,
    /** Where its bytes are in the file. */
    readonly offset: u64,
    paddr: u64,
    readonly fileBytes: u64,
    memoryBytes: u64,
  ) {
    super(paddr, memoryBytes);
  }

  get name(): string {
    return "segment " + this.index.toString() + " (" + range(this.paddr, this.end) + ")";
  }
}

export class PvhElf {
  /** Guest physical, in a segment's bytes of the file. 0: there is none yet. */
  entry: u64 = 0;
  /** In the file's order; disjoint, each below 4 GiB. */
  readonly segments: Array<Segment> = [];
  private wide: bool = false;
  private refusal: Refusal | null = null;

  constructor(private file: PhysicalBytes) {}

  /** Reads and checks all of it. Null if it is a PVH image; otherwise what is wrong with it. */
  read(): Refusal | null {
    if (this.readIdentity() && this.readProgramHeaders() && this.checkSegments()) this.checkEntry();
    return this.refusal;
  }

  private refuse(field: string, value: u64, reason: string): bool {
    this.refusal = new Refusal(field, value, reason);
    return false;
  }

  private readIdentity(): bool {
    const file = this.file;
    if (file.size < EHDR32_SIZE)
      return this.refuse(
        "the file's size",
        file.size,
        "an ELF header has " + EHDR32_SIZE.toString() + " bytes",
      );
    file.read(0, header, <u32>EHDR32_SIZE);
    const magic = load<u32>(header);
    if (magic != ELF_MAGIC) return this.refuse("e_ident's magic", magic, "expected " + hex(ELF_MAGIC));
    const fileClass = load<u8>(header, 4);
    if (fileClass != ELFCLASS32 && fileClass != ELFCLASS64)
      return this.refuse("e_ident[EI_CLASS]", fileClass, "expected 1 (32 bit) or 2 (64 bit)");
    this.wide = fileClass == ELFCLASS64;
    const order = load<u8>(header, 5);
    if (order != ELFDATA2LSB) return this.refuse("e_ident[EI_DATA]", order, "expected 1 (little endian)");
    const version = load<u8>(header, 6);
    if (version != EV_CURRENT) return this.refuse("e_ident[EI_VERSION]", version, "expected 1");
    if (this.wide && file.size < EHDR64_SIZE)
      return this.refuse(
        "the file's size",
        file.size,
        "a 64-bit header has " + EHDR64_SIZE.toString() + " bytes",
      );
    const type = load<u16>(header, 16);
    if (type != ET_EXEC && type != ET_DYN)
      return this.refuse(
        "e_type",
        type,
        "expected 2 (an executable) or 3 (one that is position independent)",
      );
    const machine = load<u16>(header, 18);
    const expected = this.wide ? EM_X86_64 : EM_386;
    if (machine != expected)
      return this.refuse(
        "e_machine",
        machine,
        "expected " + hex(expected) + (this.wide ? " (x86-64)" : " (i386)"),
      );
    return true;
  }

  private readProgramHeaders(): bool {
    const file = this.file;
    const wide = this.wide;
    file.read(0, header, <u32>(wide ? EHDR64_SIZE : EHDR32_SIZE));
    const offset: u64 = wide ? load<u64>(header, 32) : load<u32>(header, 28);
    const entrySize: u32 = wide ? load<u16>(header, 54) : load<u16>(header, 42);
    const count: u32 = wide ? load<u16>(header, 56) : load<u16>(header, 44);
    const least = wide ? PHDR64_SIZE : PHDR32_SIZE;
    if (entrySize < least)
      return this.refuse("e_phentsize", entrySize, "a program header has " + hex(least) + " bytes");
    if (count == 0 || count > MAX_PROGRAM_HEADERS)
      return this.refuse("e_phnum", count, "expected 1 to " + hex(MAX_PROGRAM_HEADERS));
    const size = <u64>count * entrySize;
    if (offset > file.size || size > file.size - offset)
      return this.refuse(
        "e_phoff",
        offset,
        "with " + hex(size) + " bytes, the program headers end beyond the file's " + hex(file.size),
      );
    for (let i: u32 = 0; i < count; i++) {
      if (!this.readProgramHeader(i, offset + <u64>i * entrySize)) return false;
    }
    return true;
  }

  private readProgramHeader(index: u32, at: u64): bool {
    const file = this.file;
    const wide = this.wide;
    file.read(at, header, wide ? PHDR64_SIZE : PHDR32_SIZE);
    const type = load<u32>(header);
    if (type != PT_LOAD && type != PT_NOTE) return true;
    const offset: u64 = wide ? load<u64>(header, 8) : load<u32>(header, 4);
    const paddr: u64 = wide ? load<u64>(header, 24) : load<u32>(header, 12);
    const fileBytes: u64 = wide ? load<u64>(header, 32) : load<u32>(header, 16);
    const memoryBytes: u64 = wide ? load<u64>(header, 40) : load<u32>(header, 20);
    const which = " of segment " + index.toString();
    if (offset > file.size || fileBytes > file.size - offset)
      return this.refuse(
        "p_offset" + which,
        offset,
        "with p_filesz " + hex(fileBytes) + " it ends beyond the file's " + hex(file.size),
      );
    if (type == PT_NOTE) {
      this.readNotes(offset, fileBytes);
      return true;
    }
    if (fileBytes > memoryBytes)
      return this.refuse("p_filesz" + which, fileBytes, "it is more than its p_memsz of " + hex(memoryBytes));
    if (memoryBytes == 0) return true;
    if (paddr >= FOUR_GIB || memoryBytes > FOUR_GIB - paddr)
      return this.refuse(
        "p_paddr" + which,
        paddr,
        "with p_memsz " + hex(memoryBytes) + " it ends beyond 4 GiB, out of reach for the jump",
      );
    this.segments.push(new Segment(index, offset, paddr, fileBytes, memoryBytes));
    return true;
  }

  /** Of several such notes Xen takes the last. What does not follow the format ends the search, as it does Xen's. */
  private readNotes(offset: u64, size: u64): void {
    const file = this.file;
    const end = offset + size;
    let at = offset;
    for (let n = 0; n < MAX_NOTES && end - at >= NHDR_SIZE; n++) {
      file.read(at, header, <u32>NHDR_SIZE);
      const nameSize: u64 = load<u32>(header);
      const valueSize: u64 = load<u32>(header, 4);
      const type = load<u32>(header, 8);
      const name = at + NHDR_SIZE;
      const value = name + ((nameSize + 3) & ~3);
      if (value > end || valueSize > end - value) return;
      if (nameSize == 4 && file.u32(name) == XEN_NOTE_OWNER && type == XEN_ELFNOTE_PHYS32_ENTRY) {
        if (valueSize == 4) this.entry = file.u32(value);
        if (valueSize == 8) this.entry = file.u64(value);
      }
      at = min(value + ((valueSize + 3) & ~3), end);
    }
  }

  private checkSegments(): bool {
    const segments = this.segments;
    if (segments.length == 0)
      return this.refuse("the number of PT_LOAD segments", 0, "there is nothing to load");
    for (let i = 1; i < segments.length; i++) {
      for (let j = 0; j < i; j++) {
        const a = segments[i];
        const b = segments[j];
        if (a.overlaps(b))
          return this.refuse(
            "p_paddr of segment " + a.index.toString(),
            a.paddr,
            a.name + " overlaps " + b.name,
          );
      }
    }
    return true;
  }

  private checkEntry(): bool {
    const entry = this.entry;
    if (entry == 0)
      return this.refuse(
        "the note XEN_ELFNOTE_PHYS32_ENTRY",
        0,
        "expected one of type 18 and owner Xen in a PT_NOTE segment: without it the file is no PVH image",
      );
    for (let i = 0; i < this.segments.length; i++) {
      const segment = this.segments[i];
      if (entry >= segment.paddr && entry - segment.paddr < segment.fileBytes) return true;
    }
    return this.refuse(
      "the entry of XEN_ELFNOTE_PHYS32_ENTRY",
      entry,
      "it is in no segment's bytes of the file",
    );
  }
}
