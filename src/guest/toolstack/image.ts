// A PVH image, from wherever its file is into another domain's memory: its PT_LOAD segments at their physical addresses,
// its entry from the note XEN_ELFNOTE_PHYS32_ENTRY (docs/misc/pvh in Xen's source).

import { shared_clear } from "xenlet/internal/intrinsics";
import { PvhElf } from "xenlet/internal/kexec/elf";
import { ByteSource } from "xenlet/internal/memory/physical";
import { throughWindow } from "./foreign-frames";

/** Where the bytes of a stretch of another domain's memory come from: so many of `bytes`, and zeroes after them. */
class Source {
  constructor(
    readonly bytes: ByteSource,
    /** Where they begin in `bytes`. */
    readonly from: u64,
    readonly size: u64,
    /** Where it goes, guest physical. */
    readonly to: u64,
  ) {}
}

function fill(source: Source, at: usize, paddr: u64, size: u32): void {
  const done = paddr - source.to;
  const copied = done < source.size ? <u32>min<u64>(source.size - done, size) : 0;
  if (copied > 0) source.bytes.read(source.from + done, at, copied);
  shared_clear(at + copied, size - copied);
}

/** A PVH image, read and checked; what is wrong with it ends the toolstack. */
export class Image {
  /** Guest physical: where vCPU 0 begins. */
  readonly entry: u64;
  /** First byte behind the highest segment. */
  readonly end: u64;
  private elf: PvhElf;

  /** Reads the file's headers. Ends the toolstack with the field that is wrong and its value, unless it is a PVH image. */
  constructor(private file: ByteSource) {
    const elf = new PvhElf(file);
    const refusal = elf.read();
    if (refusal) throw new Error("the guest's image cannot be loaded: " + refusal.toString());
    if (elf.dom0Only)
      throw new Error("the guest's image asks for domain 0: its note XEN_ELFNOTE_FEATURES has !dom0");
    this.elf = elf;
    this.entry = elf.entry;
    let end: u64 = 0;
    for (let i = 0; i < elf.segments.length; i++) end = max(end, elf.segments[i].end);
    this.end = end;
  }

  /** Copies the segments into domain `domid`, and clears what they have beyond the file. Ends the toolstack where it has no RAM. */
  loadInto(domid: u16): void {
    const segments = this.elf.segments;
    for (let i = 0; i < segments.length; i++) {
      const segment = segments[i];
      const source = new Source(this.file, segment.offset, segment.fileBytes, segment.paddr);
      throughWindow(domid, segment.paddr, segment.size, source, fill);
    }
  }
}

/** Copies bytes to guest physical `to` of another domain. */
export function copyInto(domid: u16, to: u64, bytes: ByteSource): void {
  throughWindow(domid, to, bytes.size, new Source(bytes, 0, bytes.size, to), fill);
}
