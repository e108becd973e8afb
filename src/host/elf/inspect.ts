/** What `xenlet inspect` tells of an image: plain data, ready for JSON. */
import { readableSymbol } from "./demangle.js";
import { ElfError } from "./error.js";
import * as c from "./constants.js";
import { readElf, type Elf, type Section, type Segment } from "./elf.js";
import { multiboot2Header } from "./multiboot2.js";
import { noteNumber, readNotes, text, type Note } from "./notes.js";
import { validatePvhImage } from "./pvh.js";
import { fileParts, type Part } from "./layout.js";
import { readSymbols, type ElfSymbol } from "./symbols.js";

/** Addresses are strings, "0x…": JSON's numbers are too narrow for them. Sizes are bytes. */
export interface Inspection {
  path: string;
  bytes: number;
  class: 32 | 64;
  machine: "x86" | "x86-64";
  type: string;
  /** Where and how Xen enters it; null if Xen cannot: then `problem` says why. */
  pvh: { entry: string; entrySymbol: string | null; start: string; end: string } | null;
  problem: string | null;
  /** Where a multiboot2 loader enters it, Linux's kexec for one; null if it has no header for that. */
  multiboot2: string | null;
  warnings: string[];
  notes: InspectedNote[];
  segments: InspectedSegment[];
  sections: { name: string; address: string; bytes: number; loaded: boolean }[];
  symbols: { count: number; functions: number; largest: { name: string; bytes: number }[] };
  /** The file's bytes by what they are for; their sum is `bytes`. */
  parts: Part[];
}

export interface InspectedNote {
  owner: string;
  type: number;
  /** PHYS32_ENTRY, …; null for a type that is not known. */
  name: string | null;
  value: string;
}

export interface InspectedSegment {
  index: number;
  type: string;
  /** "r-x" */
  permissions: string;
  vaddr: string;
  paddr: string;
  offset: number;
  fileBytes: number;
  memoryBytes: number;
}

const LARGEST = 10;
const hex = (value: bigint | number): string => `0x${value.toString(16)}`;

/**
 * Reads an image and describes it. An ELF file that is no PVH guest is described
 * too, with `problem`; what is no ELF file, or is damaged, throws an ElfError.
 */
export async function inspectImage(path: string): Promise<Inspection> {
  return inspectElf(await readElf(path));
}

export function inspectElf(elf: Elf): Inspection {
  const symbols = symbolsOf(elf);
  const named = elf.sections.filter((section) => section.type !== c.SHT_NULL);
  return {
    path: elf.bytes.name,
    bytes: elf.bytes.size,
    class: elf.class,
    machine: elf.machine === c.EM_386 ? "x86" : "x86-64",
    type: c.FILE_TYPES[elf.type] ?? `type ${elf.type}`,
    ...pvhFacts(elf, symbols),
    multiboot2: multiboot2Header(elf) === null ? null : hex(elf.entry),
    notes: readNotes(elf).map(inspectNote),
    segments: elf.segments.map(inspectSegment),
    sections: named.map(inspectSection),
    symbols: {
      count: symbols.found.length,
      functions: symbols.found.filter((symbol) => symbol.kind === "function").length,
      largest: symbols.found
        .filter((symbol) => symbol.size > 0)
        .sort((a, b) => b.size - a.size)
        .slice(0, LARGEST)
        .map((symbol) => ({ name: readableName(symbol.name), bytes: symbol.size })),
    },
    parts: fileParts(elf, symbols.found),
  };
}

interface Symbols {
  found: ElfSymbol[];
  /** Why there are none although there should be; usually null. */
  defect: string | null;
}

/** A damaged table of symbols keeps no loader from taking an image. */
function symbolsOf(elf: Elf): Symbols {
  try {
    return { found: readSymbols(elf), defect: null };
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
    return { found: [], defect: error.message };
  }
}

function pvhFacts(elf: Elf, symbols: Symbols): Pick<Inspection, "pvh" | "problem" | "warnings"> {
  const defects = [...elf.defects, ...(symbols.defect === null ? [] : [symbols.defect])];
  try {
    const { entry, segments, start, end, dom0Only, warnings } = validatePvhImage(elf);
    const home = segments.find(
      ({ paddr, memorySize }) =>
        BigInt(entry) >= paddr && BigInt(entry) < paddr + BigInt(memorySize),
    );
    const virtual = BigInt(entry) - (home?.paddr ?? 0n) + (home?.vaddr ?? 0n);
    const symbol = symbols.found.find(({ address, section }) => {
      return address === virtual && section < elf.sections.length;
    });
    const pvh = {
      entry: hex(entry),
      entrySymbol: symbol?.name ?? null,
      start: hex(start),
      end: hex(end),
    };
    const dom0 = dom0Only
      ? ["its notes ask for domain 0: Xen's toolstacks cannot create it as another domain"]
      : [];
    return { pvh, problem: null, warnings: [...warnings, ...dom0, ...defects] };
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
    return { pvh: null, problem: error.message, warnings: defects };
  }
}

function readableName(symbol: string): string {
  const { function: name, file } = readableSymbol(symbol);
  return file === null ? name : `${name} (${file})`;
}

function inspectNote(note: Note): InspectedNote {
  const known = note.isXens ? c.XEN_NOTES[note.type] : undefined;
  return {
    owner: note.owner,
    type: note.type,
    name: known?.name ?? null,
    value: noteValue(note, known?.format ?? "bytes"),
  };
}

function noteValue(note: Note, format: c.NoteFormat): string {
  if (format === "string") return text(note.description);
  const number = format === "number" ? noteNumber(note) : null;
  return number === null ? bytesText(note.description) : hex(number);
}

const SHOWN_BYTES = 64;

/** All of a short one; of a long one how long it is, and how it begins where that says anything. */
function bytesText(bytes: Uint8Array): string {
  if (bytes.length === 0) return "empty";
  if (bytes.every((byte) => byte === 0)) return `${bytes.length} bytes, all 0`;
  const shown = Buffer.from(bytes.subarray(0, SHOWN_BYTES)).toString("hex");
  return bytes.length <= SHOWN_BYTES ? shown : `${shown}… (${bytes.length} bytes)`;
}

function inspectSegment(segment: Segment): InspectedSegment {
  return {
    index: segment.index,
    type: c.SEGMENT_TYPES[segment.type] ?? hex(segment.type),
    permissions:
      (segment.readable ? "r" : "-") +
      (segment.writable ? "w" : "-") +
      (segment.executable ? "x" : "-"),
    vaddr: hex(segment.vaddr),
    paddr: hex(segment.paddr),
    offset: segment.offset,
    fileBytes: segment.fileSize,
    memoryBytes: segment.memorySize,
  };
}

function inspectSection(section: Section): Inspection["sections"][number] {
  return {
    name: section.name,
    address: hex(section.address),
    bytes: section.size,
    loaded: (section.flags & BigInt(c.SHF_ALLOC)) !== 0n,
  };
}
