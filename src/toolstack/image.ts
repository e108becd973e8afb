// A PVH image, from this domain's physical memory into another domain's: ELF32 or ELF64, its PT_LOAD segments at
// their physical addresses, its entry from the note XEN_ELFNOTE_PHYS32_ENTRY (docs/misc/pvh in Xen's source).

import { physical_read, shared_clear } from "xenlet/intrinsics";
import { throughWindow } from "./foreign";

const PT_LOAD: u32 = 1;
const PT_NOTE: u32 = 4;
const XEN_ELFNOTE_PHYS32_ENTRY: u32 = 18;
const ELF_MAGIC: u32 = 0x464c457f;
const EHDR_SIZE: u32 = 64;
const MAX_SEGMENTS: u32 = 32;
const MAX_NOTES: u32 = 65536;

const head: usize = memory.data(EHDR_SIZE, 8);
const phdr: usize = memory.data(56, 8);

class Segment {
  type: u32 = 0;
  offset: u64 = 0;
  paddr: u64 = 0;
  filesz: u64 = 0;
  memsz: u64 = 0;
}

/** Where the file's bytes of a stretch come from. */
class Source {
  constructor(
    readonly file: u64,
    readonly segment: Segment,
  ) {}
}

function fill(from: Source, at: usize, paddr: u64, size: u32): void {
  const done = paddr - from.segment.paddr;
  const inFile = done < from.segment.filesz ? <u32>min<u64>(from.segment.filesz - done, size) : 0;
  if (inFile > 0) physical_read(at, from.file + from.segment.offset + done, inFile);
  shared_clear(at + inFile, size - inFile);
}

export class Image {
  /** Guest physical: where vCPU 0 begins. */
  entry: u64 = 0;
  /** First byte behind the highest segment. */
  end: u64 = 0;
  private segments: Array<Segment> = [];

  /** Reads the headers of the file at `paddr`. Ends the toolstack with what is wrong with it. */
  constructor(
    private paddr: u64,
    private size: u64,
  ) {
    if (size < EHDR_SIZE)
      throw new Error("the guest's image has " + size.toString() + " bytes: that is no ELF file");
    physical_read(head, paddr, EHDR_SIZE);
    if (load<u32>(head) != ELF_MAGIC) throw new Error("the guest's image is no ELF file");
    const wide = load<u8>(head, 4) == 2;
    const phoff = wide ? load<u64>(head, 32) : load<u32>(head, 28);
    const phentsize = wide ? load<u16>(head, 54) : load<u16>(head, 42);
    const phnum = wide ? load<u16>(head, 56) : load<u16>(head, 44);
    if (phnum > MAX_SEGMENTS || phoff > size || <u64>phnum * phentsize > size - phoff)
      throw new Error("the guest's image is cut off: its program headers lie beyond its end");
    for (let i: u32 = 0; i < phnum; i++) this.read(paddr + phoff + <u64>i * phentsize, wide);
    if (this.entry == 0)
      throw new Error("the guest's image has no XEN_ELFNOTE_PHYS32_ENTRY note: it is no PVH image");
  }

  private read(at: u64, wide: bool): void {
    physical_read(phdr, at, wide ? 56 : 32);
    const segment = new Segment();
    segment.type = load<u32>(phdr);
    segment.offset = wide ? load<u64>(phdr, 8) : load<u32>(phdr, 4);
    segment.paddr = wide ? load<u64>(phdr, 24) : load<u32>(phdr, 12);
    segment.filesz = wide ? load<u64>(phdr, 32) : load<u32>(phdr, 16);
    segment.memsz = wide ? load<u64>(phdr, 40) : load<u32>(phdr, 20);
    if (segment.offset > this.size || segment.filesz > this.size - segment.offset)
      throw new Error("the guest's image is cut off: a segment's bytes lie beyond its end");
    if (segment.type == PT_NOTE) this.readNotes(segment);
    if (segment.type != PT_LOAD || segment.memsz == 0) return;
    this.segments.push(segment);
    this.end = max(this.end, segment.paddr + segment.memsz);
  }

  private readNotes(segment: Segment): void {
    const size = <u32>min<u64>(segment.filesz, MAX_NOTES);
    const buffer = heap.alloc(size);
    physical_read(buffer, this.paddr + segment.offset, size);
    for (let at: u32 = 0; at + 12 <= size;) {
      const namesz = load<u32>(buffer + at);
      const descsz = load<u32>(buffer + at, 4);
      const type = load<u32>(buffer + at, 8);
      const desc = at + 12 + ((namesz + 3) & ~3);
      if (namesz > size || descsz > size || desc + descsz > size) break;
      /* "Xen\0" */
      const ours = namesz == 4 && load<u32>(buffer + at, 12) == 0x006e6558;
      if (ours && type == XEN_ELFNOTE_PHYS32_ENTRY && descsz >= 4) this.entry = load<u32>(buffer + desc);
      at = desc + ((descsz + 3) & ~3);
    }
    heap.free(buffer);
  }

  /** Copies the segments into domain `domid`, and clears what they have beyond the file. Ends the toolstack where it has no RAM. */
  loadInto(domid: u16): void {
    for (let i = 0; i < this.segments.length; i++) {
      const segment = this.segments[i];
      throughWindow(domid, segment.paddr, segment.memsz, new Source(this.paddr, segment), fill);
    }
  }
}

/** Copies `size` bytes of this domain's physical memory to another's. */
export function copyInto(domid: u16, to: u64, from: u64, size: u64): void {
  const whole = new Segment();
  whole.paddr = to;
  whole.filesz = size;
  throughWindow(domid, to, size, new Source(from, whole), fill);
}
