import * as c from "./constants.js";
import type { Elf, Segment } from "./elf.js";
import { ElfError } from "./error.js";
import { noteNumber, readNotes } from "./notes.js";

export interface PvhImage {
  /** Guest physical address at which Xen enters, in 32-bit mode with paging off. */
  entry: number;
  /** What Xen loads, in physical order. Never empty, never overlapping. */
  segments: Segment[];
  /** Lowest and highest (exclusive) guest physical address that the image occupies. */
  start: bigint;
  end: bigint;
  /** What is legal but should not be, one sentence each: a segment both writable and executable, … */
  warnings: string[];
}

const hex = (address: bigint | number): string => `0x${address.toString(16)}`;
const segmentEnd = (segment: Segment): bigint => segment.paddr + BigInt(segment.memorySize);

/**
 * Checks that Xen can load and enter this image as a PVH guest (docs/misc/pvh,
 * libelf-dominfo.c), and says where. Throws an ElfError (exit code 123) if not.
 */
export function validatePvhImage(elf: Elf): PvhImage {
  const { bytes } = elf;
  if (elf.type !== c.ET_EXEC && elf.type !== c.ET_DYN)
    bytes.fail(
      `it is a ${c.FILE_TYPES[elf.type] ?? `file of type ${elf.type}`}, not an executable`,
    );
  const segments = loadedSegments(elf);
  const entry = findEntry(elf);
  const warnings = [...checkEntry(elf, segments, entry), ...writableAndExecutable(segments)];
  return { entry, segments, warnings, ...extent(segments) };
}

function extent(segments: Segment[]): { start: bigint; end: bigint } {
  const [first] = segments;
  const last = segments.at(-1);
  return { start: first?.paddr ?? 0n, end: last === undefined ? 0n : segmentEnd(last) };
}

function loadedSegments(elf: Elf): Segment[] {
  const segments = elf.segments
    .filter((segment) => segment.type === c.PT_LOAD && segment.memorySize > 0)
    .sort((a, b) => (a.paddr < b.paddr ? -1 : a.paddr > b.paddr ? 1 : a.index - b.index));
  if (segments.length === 0) elf.bytes.fail("it has no segment to load");
  for (const [index, segment] of segments.entries()) {
    const previous = segments[index - 1];
    if (previous !== undefined && segmentEnd(previous) > segment.paddr)
      elf.bytes.fail(
        `segments ${previous.index} and ${segment.index} overlap: ` +
          `${hex(previous.paddr)}..${hex(segmentEnd(previous))} and ` +
          `${hex(segment.paddr)}..${hex(segmentEnd(segment))} (physical)`,
      );
  }
  return segments;
}

/** The entry that the note gives. Of several such notes Xen takes the last. */
function findEntry(elf: Elf): number {
  const note = readNotes(elf).findLast(
    ({ owner, type }) => owner === c.XEN_NOTE_OWNER && type === c.XEN_ELFNOTE_PHYS32_ENTRY,
  );
  if (note === undefined)
    throw new ElfError(
      `${elf.bytes.name} has no XEN_ELFNOTE_PHYS32_ENTRY (type 18, owner "Xen") note: ` +
        "Xen cannot enter it as PVH; images built by `xenlet build` have one",
      { hint: "xenlet build FILE.ts -o image.elf" },
    );
  const entry = noteNumber(note);
  if (entry === null)
    elf.bytes.fail(
      `its XEN_ELFNOTE_PHYS32_ENTRY note has ${note.description.length} bytes, expected 4 or 8`,
    );
  if (entry > 0xffff_ffffn)
    elf.bytes.fail(`its PVH entry ${hex(entry)} is beyond 4 GiB, out of reach for 32-bit code`);
  return Number(entry);
}

function checkEntry(elf: Elf, segments: Segment[], entry: number): string[] {
  const address = BigInt(entry);
  const segment = segments.find(({ paddr, memorySize }) => {
    return address >= paddr && address < paddr + BigInt(memorySize);
  });
  if (segment === undefined) {
    const ranges = segments.map((s) => `${hex(s.paddr)}..${hex(segmentEnd(s))}`).join(", ");
    elf.bytes.fail(`its PVH entry ${hex(entry)} lies outside every segment (${ranges}, physical)`);
  }
  if (address >= segment.paddr + BigInt(segment.fileSize))
    elf.bytes.fail(
      `its PVH entry ${hex(entry)} lies in the zero-filled part of segment ${segment.index}`,
    );
  return segment.executable
    ? []
    : [`the PVH entry ${hex(entry)} lies in segment ${segment.index}, which is not executable`];
}

function writableAndExecutable(segments: Segment[]): string[] {
  return segments
    .filter((segment) => segment.writable && segment.executable)
    .map((segment) => `segment ${segment.index} is both writable and executable (RWX)`);
}
