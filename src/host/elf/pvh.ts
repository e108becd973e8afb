import * as c from "./constants.js";
import { isLoadable, type Elf, type Segment } from "./elf.js";
import { ElfError } from "./error.js";
import { xenNotes, type XenNotes } from "./notes.js";

/** An image that Xen can enter by the PVH boot protocol. */
export interface PvhImage {
  /** Guest physical address at which Xen enters, in 32-bit mode with paging off. */
  entry: number;
  /** What Xen loads, in physical order. Never empty. Where two overlap, the one of the higher index is loaded later. */
  segments: Segment[];
  /** Lowest and highest (exclusive) guest physical address that the image occupies. */
  start: bigint;
  end: bigint;
  /** Its notes ask for domain 0: Xen boots it as nothing else. */
  dom0Only: boolean;
  /** What is legal but should not be, one sentence each: a segment both writable and executable, … */
  warnings: string[];
}

const hex = (address: bigint | number): string => `0x${address.toString(16)}`;
const segmentEnd = (segment: Segment): bigint => segment.paddr + BigInt(segment.memorySize);
const rangeOf = (segment: Segment): string => `${hex(segment.paddr)}..${hex(segmentEnd(segment))}`;

/**
 * Checks that Xen can load and enter this image as a PVH guest (docs/misc/pvh.pandoc, xen/common/libelf), and says
 * where. Throws an ElfError (exit code 123) if not. Beyond what Xen asks for, the file has to be an x86 executable, all
 * bytes of its segments are in it, and the entry is among them: without that it would be entered where nothing is.
 */
export function validatePvhImage(elf: Elf): PvhImage {
  const { bytes } = elf;
  if (elf.type !== c.ET_EXEC && elf.type !== c.ET_DYN)
    bytes.fail(
      `it is a ${c.FILE_TYPES[elf.type] ?? `file of type ${elf.type}`}, not an executable`,
    );
  const segments = loadedSegments(elf);
  const notes = xenNotes(elf);
  if (notes.unknownFeature !== null)
    bytes.fail(
      `its note XEN_ELFNOTE_FEATURES requires "${notes.unknownFeature}", which is unknown to Xen`,
    );
  const entry = findEntry(elf, notes);
  const { start, end } = extent(segments);
  const { initP2m } = notes;
  if (initP2m !== null && initP2m >= start && initP2m < end)
    bytes.fail(`its note XEN_ELFNOTE_INIT_P2M is ${hex(initP2m)}, inside its loaded segments`);
  return {
    entry,
    segments,
    dom0Only: notes.dom0Only,
    warnings: [
      ...checkEntry(elf, segments, entry, notes),
      ...overlaps(segments),
      ...writableAndExecutable(segments),
      ...(notes.offsetAlone
        ? ["its note XEN_ELFNOTE_PADDR_OFFSET without a VIRT_BASE is refused by Xen 4.17 and older"]
        : []),
    ],
    start,
    end,
  };
}

function extent(segments: Segment[]): { start: bigint; end: bigint } {
  return {
    start: segments[0]?.paddr ?? 0n,
    end: segments.map(segmentEnd).reduce((a, b) => (a > b ? a : b), 0n),
  };
}

function loadedSegments({ segments, bytes }: Elf): Segment[] {
  const loaded = segments
    .filter((segment) => isLoadable(segment) && segment.memorySize > 0)
    .sort((a, b) => (a.paddr < b.paddr ? -1 : a.paddr > b.paddr ? 1 : a.index - b.index));
  if (loaded.length === 0) bytes.fail("it has no segment to load");
  for (const segment of loaded)
    if (segmentEnd(segment) >= 1n << 64n)
      bytes.fail(`segment ${segment.index} ends beyond the physical address space`);
  return loaded;
}

function findEntry(elf: Elf, { entry }: XenNotes): number {
  if (entry !== null) return entry;
  throw new ElfError(
    `${elf.bytes.name} has no XEN_ELFNOTE_PHYS32_ENTRY (type 18, owner "Xen") note: ` +
      "Xen cannot enter it as PVH; images built by `xenlet build` have one",
    { hint: "xenlet build FILE.ts -o image.elf" },
  );
}

function checkEntry(
  elf: Elf,
  segments: Segment[],
  entry: number,
  { entryNote }: XenNotes,
): string[] {
  const address = BigInt(entry);
  const holds = ({ paddr }: Segment, size: number): boolean =>
    address >= paddr && address < paddr + BigInt(size);
  const home = segments.find((segment) => holds(segment, segment.fileSize));
  const oddSize = [1, 2, 4, 8].includes(entryNote?.size ?? 4)
    ? ""
    : ` (the note has ${entryNote?.size ?? 0} bytes, which Xen reads as 0)`;
  if (home === undefined) {
    const zeroes = segments.find((segment) => holds(segment, segment.memorySize));
    if (zeroes !== undefined)
      elf.bytes.fail(
        `its PVH entry ${hex(entry)}${oddSize} lies in the zero-filled part of segment ${zeroes.index}`,
      );
    const ranges = segments.map(rangeOf).join(", ");
    elf.bytes.fail(
      `its PVH entry ${hex(entry)}${oddSize} lies outside every segment (${ranges}, physical)`,
    );
  }
  return [
    ...(entryNote?.description.subarray(4).some((byte) => byte !== 0) === true
      ? [`the PVH entry's note has more than 32 bits, of which Xen uses ${hex(entry)}`]
      : []),
    ...(home.executable
      ? []
      : [`the PVH entry ${hex(entry)} lies in segment ${home.index}, which is not executable`]),
  ];
}

/** Xen loads them one by one, in the file's order. */
function overlaps(segments: Segment[]): string[] {
  const warnings: string[] = [];
  let reach: Segment | undefined;
  for (const segment of segments) {
    if (reach !== undefined && segmentEnd(reach) > segment.paddr) {
      const [first, last] = reach.index < segment.index ? [reach, segment] : [segment, reach];
      warnings.push(
        `segments ${first.index} and ${last.index} overlap (${rangeOf(first)} and ${rangeOf(last)}, ` +
          `physical): segment ${last.index} is loaded over segment ${first.index}`,
      );
    }
    if (reach === undefined || segmentEnd(segment) > segmentEnd(reach)) reach = segment;
  }
  return warnings;
}

function writableAndExecutable(segments: Segment[]): string[] {
  return segments
    .filter((segment) => segment.writable && segment.executable)
    .map((segment) => `segment ${segment.index} is both writable and executable (RWX)`);
}
