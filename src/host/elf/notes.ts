/**
 * The notes of an ELF file, and what Xen makes of them. They are read as Xen's libelf reads them (elf_xen_parse() in
 * xen/common/libelf/libelf-dominfo.c, elf_note_next() and elf_note_numeric() in libelf-tools.c, 4.17; 4.14 to 4.21 do
 * the same), so that an image is taken here when Xen takes it. What follows from its code and not from the ELF
 * specification:
 *
 *   - a note's owner is the C string behind its header, whatever namesz says;
 *   - name and description are padded to 4 bytes each, whatever the segment's alignment says, and namesz and descsz
 *     are 32 bits wide when they are rounded up;
 *   - a note that begins inside its range is read to its end, be that behind the range; what lies behind the file
 *     reads as 0;
 *   - of several notes of one type the last counts, and a number of 3 or 5 bytes is 0.
 *
 * The guest's reader, which kexec and the toolstack use, is src/guest/xenlet/internal/kexec/elf-notes.ts.
 */
import * as c from "./constants.js";
import type { Elf } from "./elf.js";

/** An ELF note, of a segment or a section. */
export interface Note {
  owner: string;
  /** Whether Xen takes it for its own. */
  isXens: boolean;
  type: number;
  /** As far as the file has it. */
  description: Uint8Array;
  /** Of the description, in the file; `size` as descsz has it. */
  offset: number;
  size: number;
}

/** ELF_MAX_TOTAL_NOTE_COUNT and ELF_MAX_STRING_LENGTH, xen/include/xen/libelf.h. */
const MAX_TOTAL_NOTES = 65536;
const MAX_STRING = 4096;
/** What elf_xen_parse_features() takes of a feature's name at most. */
const MAX_FEATURE = 63;
const HEADER = 12;
/** A range so long ends before it begins: the address of its end, a pointer to Xen, wraps around. */
const WRAPS = 2 ** 47;
/** "No such note", same file. */
const UNSET_ADDR = 0xffff_ffff_ffff_ffffn;

/** elf_xen_feature_names[], libelf-dominfo.c. */
const FEATURES = [
  "writable_page_tables",
  "writable_descriptor_tables",
  "auto_translated_physmap",
  "supervisor_mode_kernel",
  "pae_pgdir_above_4gb",
  "hvm_callback_vector",
  "dom0",
];

/** Where a note's description is in the file; undefined if there is no such note, or not all of it. */
export function findNote(
  elf: Elf,
  owner: string,
  type: number,
): { offset: number; size: number } | undefined {
  return readNotes(elf).find(
    (note) => note.owner === owner && note.type === type && note.description.length === note.size,
  );
}

/**
 * Those of the PT_NOTE segments; where none of them is Xen's own, also those of the SHT_NOTE sections. A PT_NOTE at file
 * offset 0 is left out, because old linkers did not set the offset. Filling (a header of zeroes) is left out as well.
 */
export function readNotes(elf: Elf): Note[] {
  const walker = new Walker(elf);
  for (const { type, offset, fileSize } of elf.segments)
    if (type === c.PT_NOTE && offset !== 0) walker.walk(offset, fileSize);
  if (!walker.notes.some(({ isXens }) => isXens))
    for (const { index, type, offset, size } of elf.sections)
      if (index > 0 && type === c.SHT_NOTE) walker.walk(offset, size);
  return walker.notes;
}

class Walker {
  readonly notes: Note[] = [];
  #count = 0;

  constructor(private readonly elf: Elf) {}

  walk(from: number, size: number): void {
    const { bytes } = this.elf;
    const end = size < WRAPS ? from + size : from;
    for (let at = from; at < end && this.#count < MAX_TOTAL_NOTES; this.#count++) {
      const nameSize = bytes.u32OrZero(at);
      const descSize = bytes.u32OrZero(at + 4);
      const type = bytes.u32OrZero(at + 8);
      const offset = at + HEADER + padded(nameSize);
      const isXens = bytes.u32OrZero(at + HEADER) === c.XEN_NOTE_OWNER_WORD;
      const name = bytes.clipped(at + HEADER, nameSize);
      if (isXens || nameSize !== 0 || descSize !== 0 || type !== 0)
        this.notes.push({
          owner: isXens ? c.XEN_NOTE_OWNER : text(name),
          isXens,
          type,
          description: bytes.clipped(offset, descSize),
          offset,
          size: descSize,
        });
      if (at >= bytes.size) return;
      at = offset + padded(descSize);
    }
  }
}

/** As in 32-bit arithmetic. */
function padded(size: number): number {
  return ((size + 3) & ~3) >>> 0;
}

export interface XenNotes {
  /** PHYS32_ENTRY, of which Xen takes the lower 32 bits; null if there is none. */
  entry: number | null;
  /** The note that says so. */
  entryNote: Note | null;
  /** The feature "dom0" is required: libxl makes no domain of it (xc_dom_parse_elf_kernel()). */
  dom0Only: boolean;
  /** A feature that the image requires and Xen does not know: it refuses the image. Null if there is none. */
  unknownFeature: string | null;
  /** INIT_P2M: Xen refuses one inside the image, though a PVH guest has no such table. Null if there is none. */
  initP2m: bigint | null;
  /** PADDR_OFFSET without VIRT_BASE. */
  offsetAlone: boolean;
}

/** What Xen's loader takes from an image's notes. */
export function xenNotes(elf: Elf): XenNotes {
  const found: XenNotes = {
    entry: null,
    entryNote: null,
    dom0Only: false,
    unknownFeature: null,
    initP2m: null,
    offsetAlone: false,
  };
  const notes = readNotes(elf).filter(({ isXens }) => isXens);
  const last = (type: number): bigint | null => {
    const note = notes.findLast((one) => one.type === type);
    const value = note === undefined ? UNSET_ADDR : (noteNumber(note) ?? 0n);
    return value === UNSET_ADDR ? null : value;
  };
  found.initP2m = last(c.XEN_ELFNOTE_INIT_P2M);
  found.offsetAlone =
    last(c.XEN_ELFNOTE_PADDR_OFFSET) !== null && last(c.XEN_ELFNOTE_VIRT_BASE) === null;
  for (const note of notes) {
    if (note.type === c.XEN_ELFNOTE_PHYS32_ENTRY) {
      // 0 for another size, and for bytes that the file does not have: elf_note_numeric().
      const entry = Number(BigInt.asUintN(32, noteNumber(note) ?? 0n));
      // UNSET_ADDR32
      found.entry = entry === 0xffff_ffff ? null : entry;
      found.entryNote = note;
    } else if (note.type === c.XEN_ELFNOTE_FEATURES) {
      for (const feature of requiredFeatures(elf, note)) {
        if (feature === "dom0") found.dom0Only = true;
        if (FEATURES.includes(feature)) continue;
        found.unknownFeature = feature;
        return found; // Xen stops there
      }
    }
  }
  return found;
}

/** elf_xen_parse_features(): names with `|` between them, required with a `!` before it. */
function requiredFeatures({ bytes }: Elf, { offset }: Note): string[] {
  const rest = bytes.clipped(offset, MAX_STRING + 1);
  const end = rest.indexOf(0);
  if (end < 0) return []; // no C string to Xen
  return Buffer.from(rest.subarray(0, end))
    .toString("latin1")
    .split("|")
    .flatMap((name) => name.match(new RegExp(`[^]{1,${MAX_FEATURE}}`, "g")) ?? [])
    .filter((name) => name.startsWith("!"))
    .map((name) => name.slice(1));
}

/** Bytes up to the first NUL, as text. */
export function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** The number in a note of 1, 2, 4 or 8 bytes; null for any other size. */
export function noteNumber({ description, size }: Note): bigint | null {
  if (![1, 2, 4, 8].includes(size) || description.length !== size) return null;
  let value = 0n;
  for (const byte of description.toReversed()) value = (value << 8n) | BigInt(byte);
  return value;
}
