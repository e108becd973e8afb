import * as c from "./constants.js";
import type { Elf } from "./elf.js";

export interface Note {
  owner: string;
  type: number;
  description: Uint8Array;
}

/** Where a note's description is in the file; undefined if there is no such note. */
export function findNote(
  elf: Elf,
  owner: string,
  type: number,
): { offset: number; size: number } | undefined {
  const note = readNotes(elf).find((each) => each.owner === owner && each.type === type);
  if (note === undefined) return undefined;
  const { description } = note;
  return {
    offset: description.byteOffset - elf.bytes.data.byteOffset,
    size: description.length,
  };
}

const align4 = (size: number): number => Math.ceil(size / 4) * 4;

/**
 * The notes that Xen sees: those of the PT_NOTE segments, and where none of
 * them is Xen's own, those of the SHT_NOTE sections. A PT_NOTE at file offset 0
 * is skipped, because old linkers left the offset out (libelf-dominfo.c does the
 * same). Throws an ElfError for a note that runs past the end of its range.
 */
export function readNotes(elf: Elf): Note[] {
  const inSegments = elf.segments
    .filter((segment) => segment.type === c.PT_NOTE && segment.offset !== 0)
    .flatMap(({ index, offset, fileSize }) =>
      walk(elf, { offset, size: fileSize, name: `segment ${index}` }),
    );
  if (inSegments.some((note) => note.owner === c.XEN_NOTE_OWNER)) return inSegments;
  const inSections = elf.sections
    .filter((section) => section.type === c.SHT_NOTE)
    .flatMap((section) => walk(elf, { ...section, name: `section ${section.name}` }));
  return inSections.length > 0 ? inSections : inSegments;
}

/** Xen pads name and description to 4 bytes each, whatever the segment's alignment says. */
function walk(elf: Elf, range: { offset: number; size: number; name: string }): Note[] {
  const { bytes } = elf;
  const notes: Note[] = [];
  const end = range.offset + range.size;
  let at = range.offset;
  while (at < end) {
    const where = `note ${notes.length} of ${range.name}`;
    if (at + 12 > end) bytes.fail(`${where} is cut off in its header`);
    const nameSize = bytes.u32(at);
    const descriptionSize = bytes.u32(at + 4);
    const descriptionAt = at + 12 + align4(nameSize);
    // The last note's padding may be left out.
    if (descriptionAt + descriptionSize > end)
      bytes.fail(
        `${where} runs past the end: its name has ${nameSize} bytes, its payload ` +
          `${descriptionSize}, and ${end - at - 12} are left`,
      );
    notes.push({
      owner: text(bytes.slice(at + 12, nameSize)),
      type: bytes.u32(at + 8),
      description: bytes.slice(descriptionAt, descriptionSize),
    });
    at = descriptionAt + align4(descriptionSize);
  }
  return notes;
}

/** Bytes up to the first NUL, as text. */
export function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** The number in a note of 4 or 8 bytes; null for any other size. */
export function noteNumber(note: Note): bigint | null {
  const { buffer, byteOffset, byteLength } = note.description;
  const view = new DataView(buffer, byteOffset, byteLength);
  if (byteLength === 4) return BigInt(view.getUint32(0, true));
  if (byteLength === 8) return view.getBigUint64(0, true);
  return null;
}
