// The notes that make an ELF file a PVH image, read as Xen's libelf reads them (elf_xen_parse() in
// xen/common/libelf/libelf-dominfo.c, elf_note_next() and elf_note_numeric() in libelf-tools.c, 4.17; 4.14 to 4.21 do the
// same). What follows from its code and not from the ELF specification:
//
//   - a note's owner is the C string after its header, regardless of namesz;
//   - name and description are padded to 4 bytes each, regardless of the segment's alignment, and namesz and descsz
//     are 32 bits wide when they are rounded up;
//   - a note that begins inside its segment is read to its end, be that behind the segment; what lies behind the
//     file reads as 0;
//   - of several notes of one type the last counts, and a number of 3 or 5 bytes is 0.

import {
  NHDR_SIZE,
  UNSET_ADDR,
  UNSET_ADDR32,
  XEN_ELFNOTE_FEATURES,
  XEN_ELFNOTE_INIT_P2M,
  XEN_ELFNOTE_PHYS32_ENTRY,
  XEN_NOTE_OWNER,
} from "../../raw/abi/elf";
import { ByteSource } from "../memory/physical";

/* ELF_MAX_TOTAL_NOTE_COUNT and ELF_MAX_STRING_LENGTH, xen/include/xen/libelf.h */
const MAX_TOTAL_NOTES: u32 = 65536;
const MAX_STRING: u64 = 4096;
/** "xenlet" and two NULs, as a little-endian number; type and size of struct run_note (boot/run_block.h). */
const XENLET_NOTE_OWNER: u64 = 0x000074656c6e6578;
const XENLET_ELFNOTE_RUN: u32 = 2;
const RUN_NOTE_SIZE: u32 = 16;
/** A range so long ends before it begins: the address of its end, a pointer to Xen, wraps around. */
const WRAPS: u64 = 1 << 47;
/** What elf_xen_parse_features() takes of a feature's name at most. */
const MAX_FEATURE = 63;

/** elf_xen_feature_names[], but for dom0. */
const FEATURES =
  " writable_page_tables writable_descriptor_tables auto_translated_physmap supervisor_mode_kernel" +
  " pae_pgdir_above_4gb hvm_callback_vector ";

@lazy const number: usize = memory.data(sizeof<u64>(), 8);

/** A file of which every byte can be read: those past its end are 0. */
export class ElfFile {
  constructor(readonly bytes: ByteSource) {}

  get size(): u64 {
    return this.bytes.size;
  }

  has(at: u64, size: u64): bool {
    return at <= this.size && size <= this.size - at;
  }

  /** The little-endian number of `size` (1..8) bytes at `at`; 0 unless all of them are in the file. */
  field(at: u64, size: u32): u64 {
    if (!this.has(at, size)) return 0;
    store<u64>(number, 0);
    this.bytes.read(at, number, size);
    return load<u64>(number);
  }
}

function padded(size: u32): u32 {
  return (size + 3) & ~3;
}

export class XenNotes {
  /** The last PHYS32_ENTRY's lower 32 bits. UNSET_ADDR32: there is none. */
  entry: u32 = UNSET_ADDR32;
  /** How many notes are Xen's. */
  count: u32 = 0;
  /** The feature "dom0" is required: libxl makes no domain of it (xc_dom_parse_elf_kernel()). */
  dom0Only: bool = false;
  /** A feature that the image requires and Xen does not know: it refuses the image. */
  unknownFeature: string = "";
  /** INIT_P2M. UNSET_ADDR: there is none. */
  initP2m: u64 = UNSET_ADDR;
  /** Where in the file the value of our own note is, XENLET_ELFNOTE_RUN of boot/layout.h. 0: there is none. */
  runNote: u64 = 0;
  private total: u32 = 0;

  constructor(private file: ElfFile) {}

  /** Takes the notes of which the first begins at byte `at` of the file, and each within `size` bytes from there. */
  walk(at: u64, size: u64): void {
    const file = this.file;
    const end = size < WRAPS ? at + size : at;
    while (at < end && this.total < MAX_TOTAL_NOTES && this.unknownFeature.length == 0) {
      this.total++;
      const nameSize = <u32>file.field(at, 4);
      const valueSize = <u32>file.field(at + 4, 4);
      const value = at + NHDR_SIZE + padded(nameSize);
      if (<u32>file.field(at + NHDR_SIZE, 4) == XEN_NOTE_OWNER) {
        this.take(<u32>file.field(at + 8, 4), value, valueSize);
        this.count++;
      }
      if (
        file.field(at + NHDR_SIZE, 8) == XENLET_NOTE_OWNER &&
        <u32>file.field(at + 8, 4) == XENLET_ELFNOTE_RUN &&
        valueSize == RUN_NOTE_SIZE &&
        file.has(value, RUN_NOTE_SIZE)
      )
        this.runNote = value;
      if (!file.has(at, 1)) return;
      at = value + padded(valueSize);
    }
  }

  private take(type: u32, value: u64, size: u32): void {
    if (type == XEN_ELFNOTE_PHYS32_ENTRY) this.entry = <u32>this.numeric(value, size);
    else if (type == XEN_ELFNOTE_INIT_P2M) this.initP2m = this.numeric(value, size);
    else if (type == XEN_ELFNOTE_FEATURES) this.takeFeatures(value);
  }

  private numeric(at: u64, size: u32): u64 {
    return size == 1 || size == 2 || size == 4 || size == 8 ? this.file.field(at, size) : 0;
  }

  /** elf_xen_parse_features(): names with `|` between them, required with a `!` before it. */
  private takeFeatures(at: u64): void {
    const file = this.file;
    let length: u64 = 0;
    while (file.field(at + length, 1) != 0) if (++length > MAX_STRING) return;
    if (!file.has(at + length, 1)) return;
    let name = "";
    for (let i: u64 = 0; i <= length; i++) {
      const unit = i == length ? 0 : <i32>file.field(at + i, 1);
      const ends = unit == 0 || unit == 0x7c;
      if (!ends) name += String.fromCharCode(unit);
      if (!ends && name.length < MAX_FEATURE) continue;
      if (!this.takeFeature(name)) return;
      name = "";
    }
  }

  private takeFeature(name: string): bool {
    if (name.length == 0 || name.charCodeAt(0) != 0x21) return true;
    const feature = name.substring(1);
    if (feature == "dom0") {
      this.dom0Only = true;
      return true;
    }
    if (!feature.includes(" ") && FEATURES.includes(" " + feature + " ")) return true;
    this.unknownFeature = name;
    return false;
  }
}
