/**
 * Reads ELF images: what Xen's loader looks at (header, program headers, notes)
 * and what a person wants to know besides (sections, symbols).
 *
 * A file that parses here can be loaded without reading past its end. What is
 * wrong where no loader looks is kept in `defects`.
 */
import { readFile } from "node:fs/promises";
import { UserError } from "../base/errors.js";
import { Bytes } from "./bytes.js";
import * as c from "./constants.js";
import { ElfError } from "./error.js";

/** A program header (ELF64_Phdr, or the 32-bit one). */
export interface Segment {
  /** Index in the program header table: how messages name it. */
  index: number;
  type: number;
  readable: boolean;
  writable: boolean;
  executable: boolean;
  /** In the file, in bytes. */
  offset: number;
  fileSize: number;
  vaddr: bigint;
  /** Where Xen puts it: guest physical. */
  paddr: bigint;
  /** Bytes from fileSize up to here are zeroed by the loader. */
  memorySize: number;
  align: bigint;
}

/** A section header. */
export interface Section {
  index: number;
  /** Where its name is in the table of names. */
  nameAt: number;
  name: string;
  type: number;
  flags: bigint;
  address: bigint;
  offset: number;
  /** In the file, or in memory for SHT_NOBITS. */
  size: number;
  /** Meaning depends on the type; for a symbol table, the index of its string table. */
  link: number;
  entrySize: number;
}

/** An ELF file: what its headers say. */
export interface Elf {
  bytes: Bytes;
  class: 32 | 64;
  /** ET_…: see constants.ts. */
  type: number;
  /** EM_386 or EM_X86_64. */
  machine: number;
  /** e_entry. PVH ignores it: the note says where to enter. */
  entry: bigint;
  segments: Segment[];
  sections: Section[];
  /** What is wrong with it but keeps no loader from taking it, one sentence each. */
  defects: string[];
}

/** Reads and parses an image. Throws a UserError if it cannot be read, an ElfError if it is malformed. */
export async function readElf(path: string): Promise<Elf> {
  let data: Uint8Array;
  try {
    data = await readFile(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`cannot read the image ${path}: ${reason}`, { cause: error });
  }
  return parseElf(data, path);
}

/** Parses an ELF32 or ELF64 little-endian x86 file. `name` is how errors call it. */
export function parseElf(data: Uint8Array, name = "image"): Elf {
  const bytes = new Bytes(data, name);
  const elfClass = checkIdentification(bytes);
  const is64 = elfClass === 64;
  bytes.require(0, is64 ? 64 : 52, "the ELF header");

  const machine = bytes.u16(18);
  if (machine !== c.EM_386 && machine !== c.EM_X86_64)
    bytes.fail(`its machine is ${machine}, expected ${c.EM_386} (x86) or ${c.EM_X86_64} (x86-64)`);
  const defects: string[] = [];

  return {
    bytes,
    class: elfClass,
    type: bytes.u16(16),
    machine,
    entry: is64 ? bytes.u64(24) : BigInt(bytes.u32(24)),
    segments: readSegments(bytes, is64, defects),
    sections: readSections(bytes, is64, defects),
    defects,
  };
}

function checkIdentification(bytes: Bytes): 32 | 64 {
  const magic = [...bytes.data.subarray(0, 4)];
  const isElf = magic.reduce((value, byte) => value * 256 + byte, 0) === c.ELF_MAGIC;
  if (magic.length < 4 || !isElf) {
    const found = magic.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    bytes.fail(
      `not an ELF file: it begins with ${found === "" ? "nothing (it is empty)" : found}, ` +
        "expected 7f 45 4c 46",
    );
  }
  bytes.require(0, 16, "the ELF identification");
  const elfClass = bytes.u8(4);
  if (elfClass !== c.ELFCLASS32 && elfClass !== c.ELFCLASS64)
    bytes.fail(`its ELF class is ${elfClass}, expected 1 (32-bit) or 2 (64-bit)`);
  const endianness = bytes.u8(5);
  if (endianness !== c.ELFDATA2LSB)
    bytes.fail(`its byte order is ${endianness}, expected 1 (little endian)`);
  return elfClass === c.ELFCLASS64 ? 64 : 32;
}

/** Where each header of a table is, which has to be in the file (elf_init() in libelf-loader.c asks for that). */
function headerTable(
  bytes: Bytes,
  what: string,
  { offset, count, entrySize }: { offset: number; count: number; entrySize: number },
): number[] {
  bytes.require(offset, count * entrySize, `the table of ${count} ${what}s`);
  return Array.from({ length: count }, (_, index) => offset + index * entrySize);
}

function readSegments(bytes: Bytes, is64: boolean, defects: string[]): Segment[] {
  const offset = is64 ? bytes.size64(32, "the program headers' offset") : bytes.u32(28);
  const entrySize = bytes.u16(is64 ? 54 : 42);
  const count = bytes.u16(is64 ? 56 : 44);
  if (count === c.PN_XNUM) bytes.fail("it has 65535 program headers or more, which no image needs");
  const least = is64 ? 56 : 32;
  if (count > 0 && entrySize < least)
    bytes.fail(`a program header has ${entrySize} bytes, expected ${least}`);
  const table = headerTable(bytes, "program header", { offset, count, entrySize });
  return table.map((at, index) => {
    const segment = is64 ? segment64(bytes, at, index) : segment32(bytes, at, index);
    checkSegment(bytes, segment, defects);
    return segment;
  });
}

function permissions(flags: number) {
  return {
    readable: (flags & c.PF_R) !== 0,
    writable: (flags & c.PF_W) !== 0,
    executable: (flags & c.PF_X) !== 0,
  };
}

function segment64(bytes: Bytes, at: number, index: number): Segment {
  return {
    index,
    type: bytes.u32(at),
    ...permissions(bytes.u32(at + 4)),
    offset: bytes.clamped64(at + 8),
    vaddr: bytes.u64(at + 16),
    paddr: bytes.u64(at + 24),
    fileSize: bytes.clamped64(at + 32),
    memorySize: bytes.clamped64(at + 40),
    align: bytes.u64(at + 48),
  };
}

function segment32(bytes: Bytes, at: number, index: number): Segment {
  return {
    index,
    type: bytes.u32(at),
    offset: bytes.u32(at + 4),
    vaddr: BigInt(bytes.u32(at + 8)),
    paddr: BigInt(bytes.u32(at + 12)),
    fileSize: bytes.u32(at + 16),
    memorySize: bytes.u32(at + 20),
    ...permissions(bytes.u32(at + 24)),
    align: BigInt(bytes.u32(at + 28)),
  };
}

/** Xen leaves out one without any permission: elf_phdr_is_loadable(). */
export function isLoadable({ type, readable, writable, executable }: Segment): boolean {
  return type === c.PT_LOAD && (readable || writable || executable);
}

function checkSegment(bytes: Bytes, segment: Segment, defects: string[]): void {
  const { index, offset, fileSize, memorySize, paddr } = segment;
  if (!isLoadable(segment)) {
    if (fileSize > 0 && offset + fileSize > bytes.size)
      defects.push(`segment ${index} ends beyond the file`);
    return;
  }
  if (fileSize > 0) bytes.require(offset, fileSize, `segment ${index} (at byte ${offset})`);
  if (fileSize > memorySize)
    bytes.fail(
      `segment ${index} has ${fileSize} bytes in the file but only ${memorySize} in memory`,
    );
  if (paddr + BigInt(memorySize) > 1n << 64n)
    bytes.fail(`segment ${index} ends beyond the physical address space`);
}

/** Xen looks at no more of a section than its type, offset and size, and only for notes. */
function readSections(bytes: Bytes, is64: boolean, defects: string[]): Section[] {
  const offset = is64 ? bytes.size64(40, "the section headers' offset") : bytes.u32(32);
  const entrySize = bytes.u16(is64 ? 58 : 46);
  const count = bytes.u16(is64 ? 60 : 48);
  const names = bytes.u16(is64 ? 62 : 50);
  const table = headerTable(bytes, "section header", { offset, count, entrySize });
  if (count > 0 && entrySize !== (is64 ? 64 : 40)) {
    defects.push(`a section header has ${entrySize} bytes, expected ${is64 ? 64 : 40}`);
  }
  const sections = table.map((at, index) => {
    const header = new Bytes(bytes.padded(at, is64 ? 64 : 40), bytes.name);
    return is64 ? section64(header, index) : section32(header, index);
  });
  for (const section of sections)
    if (section.type !== c.SHT_NOBITS && section.type !== c.SHT_NULL && !isInFile(bytes, section))
      defects.push(`section ${section.index} (at byte ${section.offset}) ends beyond the file`);
  if (count > 0 && names !== c.SHN_UNDEF) nameSections(bytes, sections, sections[names], defects);
  return sections;
}

export function isInFile(
  bytes: Bytes,
  { offset, size }: { offset: number; size: number },
): boolean {
  return offset + size <= bytes.size;
}

function nameSections(
  bytes: Bytes,
  sections: Section[],
  table: Section | undefined,
  defects: string[],
): void {
  try {
    if (table?.type !== c.SHT_STRTAB)
      bytes.fail("the section that should hold the sections' names is not a string table");
    for (const section of sections)
      if (section.type !== c.SHT_NULL)
        section.name = bytes.string({ ...table, name: "the section names" }, section.nameAt);
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
    defects.push(error.message);
  }
}

function section64(header: Bytes, index: number): Section {
  return {
    index,
    nameAt: header.u32(0),
    name: "",
    type: header.u32(4),
    flags: header.u64(8),
    address: header.u64(16),
    offset: header.clamped64(24),
    size: header.clamped64(32),
    link: header.u32(40),
    entrySize: header.clamped64(56),
  };
}

function section32(header: Bytes, index: number): Section {
  return {
    index,
    nameAt: header.u32(0),
    name: "",
    type: header.u32(4),
    flags: BigInt(header.u32(8)),
    address: BigInt(header.u32(12)),
    offset: header.u32(16),
    size: header.u32(20),
    link: header.u32(24),
    entrySize: header.u32(36),
  };
}
