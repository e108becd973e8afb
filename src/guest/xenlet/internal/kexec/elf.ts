// A PVH image as an ELF file, 32 or 64 bit, from anywhere: which bytes go where, and where it is entered. It is taken
// when Xen takes it (elf_init(), elf_xen_parse() and elf_load_binary() in xen/common/libelf, 4.17), except that each
// number is bounded before it is used. Beyond what Xen asks for, the file has to be a little-endian x86 executable, its
// program headers have their own size, all bytes of its segments are in it, and the entry is among them. The host
// asks for the same (src/host/elf/pvh.ts).

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
  PHDR32_SIZE,
  PHDR64_SIZE,
  PT_LOAD,
  PT_NOTE,
  SHT_NOTE,
  UNSET_ADDR,
  UNSET_ADDR32,
} from "../../raw/abi/elf";
import { ByteSource, PhysicalBytes } from "../memory/physical";
import { ElfFile, XenNotes } from "./elf-notes";
import { Refusal, hex, range } from "./refusal";

/** PN_XNUM: the number stands elsewhere, which Xen does not know. */
const TOO_MANY_PROGRAM_HEADERS: u64 = 0xffff;

/** struct run_note of boot/run_block.h. */
const RUN_NOTE_ROOM: u64 = 8;
const RUN_NOTE_USED: u64 = 12;
/** In the place of a segment's index. */
const RUN_BLOCK: u32 = u32.MAX_VALUE;

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
    if (this.index == RUN_BLOCK) return "the run block (" + range(this.paddr, this.end) + ")";
    return "segment " + this.index.toString() + " (" + range(this.paddr, this.end) + ")";
  }
}

/** Where a field of a 32-bit file's header is, or of a 64-bit one's, and how many bytes an address has. */
class Layout {
  constructor(private wide: bool) {}

  get word(): u32 {
    return this.wide ? 8 : 4;
  }

  pick(narrow: u64, wide: u64): u64 {
    return this.wide ? wide : narrow;
  }
}

/** A table of headers, as the ELF header tells of it. */
class Table {
  constructor(
    readonly offset: u64,
    readonly entrySize: u64,
    readonly count: u64,
  ) {}

  get size(): u64 {
    return this.entrySize * this.count;
  }
}

export class PvhElf {
  /** Guest physical, in a segment's bytes of the file. */
  entry: u64 = 0;
  /** In the file's order, in which they are loaded: where two overlap, the later one's bytes and zeroes stay. */
  readonly segments: Array<Segment> = [];
  /** Its notes ask for domain 0, and a toolstack makes nothing else of it. */
  dom0Only: bool = false;
  /** Where it takes a run block; null: an image of another kind. */
  runBlock: Segment | null = null;
  /** Where in memory its length is written: 32 bits. */
  runBlockSize: u64 = 0;
  private runNote: u64 = 0;
  private file: ElfFile;
  private layout: Layout = new Layout(false);
  private refusal: Refusal | null = null;

  constructor(bytes: ByteSource) {
    this.file = new ElfFile(bytes);
  }

  /** Reads and checks all of it. Null if it is a PVH image; otherwise what is wrong with it. */
  read(): Refusal | null {
    if (this.readIdentity() && this.readProgramHeaders() && this.readNotes()) this.checkEntry();
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
    const magic = file.field(0, 4);
    if (magic != ELF_MAGIC) return this.refuse("e_ident's magic", magic, "expected " + hex(ELF_MAGIC));
    const fileClass = file.field(4, 1);
    if (fileClass != ELFCLASS32 && fileClass != ELFCLASS64)
      return this.refuse("e_ident[EI_CLASS]", fileClass, "expected 1 (32 bit) or 2 (64 bit)");
    this.layout = new Layout(fileClass == ELFCLASS64);
    const order = file.field(5, 1);
    if (order != ELFDATA2LSB) return this.refuse("e_ident[EI_DATA]", order, "expected 1 (little endian)");
    if (file.size < this.layout.pick(EHDR32_SIZE, EHDR64_SIZE))
      return this.refuse(
        "the file's size",
        file.size,
        "a 64-bit header has " + EHDR64_SIZE.toString() + " bytes",
      );
    const type = file.field(16, 2);
    if (type != ET_EXEC && type != ET_DYN)
      return this.refuse(
        "e_type",
        type,
        "expected 2 (an executable) or 3 (one that is position independent)",
      );
    const machine = file.field(18, 2);
    if (machine != EM_386 && machine != EM_X86_64)
      return this.refuse(
        "e_machine",
        machine,
        "expected " + hex(EM_386) + " (i386) or " + hex(EM_X86_64) + " (x86-64)",
      );
    return true;
  }

  private get programHeaders(): Table {
    const file = this.file;
    const at = this.layout;
    return new Table(
      file.field(at.pick(28, 32), at.word),
      file.field(at.pick(42, 54), 2),
      file.field(at.pick(44, 56), 2),
    );
  }

  private get sectionHeaders(): Table {
    const file = this.file;
    const at = this.layout;
    return new Table(
      file.field(at.pick(32, 40), at.word),
      file.field(at.pick(46, 58), 2),
      file.field(at.pick(48, 60), 2),
    );
  }

  private readProgramHeaders(): bool {
    const file = this.file;
    const table = this.programHeaders;
    const least = this.layout.pick(PHDR32_SIZE, PHDR64_SIZE);
    if (table.entrySize < least)
      return this.refuse("e_phentsize", table.entrySize, "a program header has " + hex(least) + " bytes");
    if (table.count == 0 || table.count >= TOO_MANY_PROGRAM_HEADERS)
      return this.refuse("e_phnum", table.count, "expected 1 to " + hex(TOO_MANY_PROGRAM_HEADERS - 1));
    if (!file.has(table.offset, table.size))
      return this.refuse(
        "e_phoff",
        table.offset,
        "with " + hex(table.size) + " bytes, the program headers end beyond the file's " + hex(file.size),
      );
    const sections = this.sectionHeaders;
    if (!file.has(sections.offset, sections.size))
      return this.refuse(
        "e_shoff",
        sections.offset,
        "with " + hex(sections.size) + " bytes, the section headers end beyond the file's " + hex(file.size),
      );
    for (let i: u64 = 0; i < table.count; i++) {
      const at = table.offset + i * table.entrySize;
      if (file.field(at, 4) == PT_LOAD && !this.readSegment(<u32>i, at)) return false;
    }
    if (this.segments.length > 0) return true;
    return this.refuse("the number of PT_LOAD segments", 0, "there is nothing to load");
  }

  private readSegment(index: u32, at: u64): bool {
    const file = this.file;
    const layout = this.layout;
    const word = layout.word;
    /* elf_phdr_is_loadable(): one without any permission is not. */
    if ((file.field(at + layout.pick(24, 4), 4) & 7) == 0) return true;
    const offset = file.field(at + layout.pick(4, 8), word);
    const paddr = file.field(at + layout.pick(12, 24), word);
    const fileBytes = file.field(at + layout.pick(16, 32), word);
    const memoryBytes = file.field(at + layout.pick(20, 40), word);
    const which = " of segment " + index.toString();
    if (fileBytes > 0 && !file.has(offset, fileBytes))
      return this.refuse(
        "p_offset" + which,
        offset,
        "with p_filesz " + hex(fileBytes) + " it ends beyond the file's " + hex(file.size),
      );
    if (fileBytes > memoryBytes)
      return this.refuse("p_filesz" + which, fileBytes, "it is more than its p_memsz of " + hex(memoryBytes));
    if (memoryBytes == 0) return true;
    if (memoryBytes > ~paddr)
      return this.refuse(
        "p_paddr" + which,
        paddr,
        "with p_memsz " + hex(memoryBytes) + " it ends beyond the address space",
      );
    this.segments.push(new Segment(index, offset, paddr, fileBytes, memoryBytes));
    return true;
  }

  private readNotes(): bool {
    const notes = new XenNotes(this.file);
    this.walkSegments(notes);
    if (notes.count == 0) this.walkSections(notes);
    this.dom0Only = notes.dom0Only;
    this.runNote = notes.runNote;
    if (notes.unknownFeature.length > 0)
      return this.refuse(
        "the note XEN_ELFNOTE_FEATURES",
        0,
        'it requires "' + notes.unknownFeature + '", which Xen does not know',
      );
    if (notes.entry == UNSET_ADDR32)
      return this.refuse(
        "the note XEN_ELFNOTE_PHYS32_ENTRY",
        0,
        "expected one of type 18 and owner Xen: without it the file is no PVH image",
      );
    this.entry = notes.entry;
    let start = UNSET_ADDR;
    let end: u64 = 0;
    for (let i = 0; i < this.segments.length; i++) {
      start = min(start, this.segments[i].paddr);
      end = max(end, this.segments[i].end);
    }
    if (notes.initP2m < start || notes.initP2m >= end) return true;
    return this.refuse(
      "the note XEN_ELFNOTE_INIT_P2M",
      notes.initP2m,
      "it is inside of what the image loads",
    );
  }

  private walkSegments(notes: XenNotes): void {
    const file = this.file;
    const layout = this.layout;
    const table = this.programHeaders;
    for (let i: u64 = 0; i < table.count; i++) {
      const at = table.offset + i * table.entrySize;
      if (file.field(at, 4) != PT_NOTE) continue;
      const offset = file.field(at + layout.pick(4, 8), layout.word);
      /* Old linkers left it out, says Xen. */
      if (offset != 0) notes.walk(offset, file.field(at + layout.pick(16, 32), layout.word));
    }
  }

  /** Where no segment has a note of Xen's. */
  private walkSections(notes: XenNotes): void {
    const file = this.file;
    const layout = this.layout;
    const table = this.sectionHeaders;
    for (let i: u64 = 1; i < table.count; i++) {
      const at = table.offset + i * table.entrySize;
      if (file.field(at + 4, 4) != SHT_NOTE) continue;
      const offset = file.field(at + layout.pick(16, 24), layout.word);
      notes.walk(offset, file.field(at + layout.pick(20, 32), layout.word));
    }
  }

  /**
   * After read(): makes room for a run block (boot/run_block.h), where the image has a note that says where. A block that the
   * file has already is not loaded then. Null, or what is wrong with that place.
   */
  takeRunBlock(): Refusal | null {
    const note = this.runNote;
    if (note == 0) return null;
    const paddr = this.file.field(note, 8);
    const room = this.file.field(note + RUN_NOTE_ROOM, 4);
    if (room > ~paddr)
      return new Refusal("the run block's address", paddr, "it ends beyond the address space");
    const block = new Segment(RUN_BLOCK, 0, paddr, 0, room);
    let size: u64 = 0;
    for (let i = this.segments.length - 1; i >= 0; i--) {
      const segment = this.segments[i];
      if (segment.paddr == paddr) {
        this.segments.splice(i, 1);
      } else if (segment.overlaps(block)) {
        return new Refusal("the run block's address", paddr, segment.name + " overlaps " + block.name);
      } else if (note >= segment.offset && note - segment.offset < segment.fileBytes) {
        size = segment.paddr + note - segment.offset + RUN_NOTE_USED;
      }
    }
    if (size == 0) return null;
    this.runBlockSize = size;
    this.runBlock = block;
    return null;
  }

  /** What the jump writes: the segments, and the run block's room. */
  get targets(): Array<Segment> {
    const block = this.runBlock;
    return block ? this.segments.concat([block]) : this.segments;
  }

  private checkEntry(): bool {
    const entry = this.entry;
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
