/**
 * Reads ELF images: what Xen's loader looks at (header, program headers, notes)
 * and what a person wants to know besides (sections, symbols).
 *
 * It is stricter than Xen. A file that parses here can be loaded without
 * reading past its end, and each defect is named instead of ignored.
 */
import { readFile } from "node:fs/promises";
import { UserError } from "../base/errors.js";
import { Bytes } from "./bytes.js";
import * as c from "./constants.js";

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

export interface Section {
  index: number;
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
  const version = bytes.u32(20);
  if (version !== c.EV_CURRENT)
    bytes.fail(`its ELF version is ${version}, expected ${c.EV_CURRENT}`);

  return {
    bytes,
    class: elfClass,
    type: bytes.u16(16),
    machine,
    entry: is64 ? bytes.u64(24) : BigInt(bytes.u32(24)),
    segments: readSegments(bytes, is64),
    sections: readSections(bytes, is64),
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

/** The offset, entry size and entry count of a header table, checked against the file. */
function headerTable(
  bytes: Bytes,
  what: string,
  at: { offset: number; count: number; entrySize: number },
  entrySize: number,
): number[] {
  if (at.count === 0) return [];
  if (at.entrySize !== entrySize)
    bytes.fail(`a ${what} has ${at.entrySize} bytes, expected ${entrySize}`);
  bytes.require(at.offset, at.count * entrySize, `the table of ${at.count} ${what}s`);
  return Array.from({ length: at.count }, (_, index) => at.offset + index * entrySize);
}

function readSegments(bytes: Bytes, is64: boolean): Segment[] {
  const offset = is64 ? bytes.size64(32, "the program headers' offset") : bytes.u32(28);
  const entrySize = bytes.u16(is64 ? 54 : 42);
  const count = bytes.u16(is64 ? 56 : 44);
  if (count === c.PN_XNUM) bytes.fail("it has 65535 program headers or more, which no image needs");
  const table = headerTable(bytes, "program header", { offset, count, entrySize }, is64 ? 56 : 32);
  return table.map((at, index) => {
    const segment = is64 ? segment64(bytes, at, index) : segment32(bytes, at, index);
    checkSegment(bytes, segment);
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
    offset: bytes.size64(at + 8, `segment ${index}'s file offset`),
    vaddr: bytes.u64(at + 16),
    paddr: bytes.u64(at + 24),
    fileSize: bytes.size64(at + 32, `segment ${index}'s size in the file`),
    memorySize: bytes.size64(at + 40, `segment ${index}'s size in memory`),
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

function checkSegment(bytes: Bytes, segment: Segment): void {
  const { index, offset, fileSize, memorySize, paddr, vaddr } = segment;
  if (fileSize > 0) bytes.require(offset, fileSize, `segment ${index} (at byte ${offset})`);
  if (segment.type !== c.PT_LOAD) return;
  if (fileSize > memorySize)
    bytes.fail(
      `segment ${index} has ${fileSize} bytes in the file but only ${memorySize} in memory`,
    );
  for (const [what, address] of [
    ["physical", paddr],
    ["virtual", vaddr],
  ] as const)
    if (address + BigInt(memorySize) > 1n << 64n)
      bytes.fail(`segment ${index} ends beyond the ${what} address space`);
}

function readSections(bytes: Bytes, is64: boolean): Section[] {
  const offset = is64 ? bytes.size64(40, "the section headers' offset") : bytes.u32(32);
  const entrySize = bytes.u16(is64 ? 58 : 46);
  const count = offset === 0 ? 0 : bytes.u16(is64 ? 60 : 48);
  const names = bytes.u16(is64 ? 62 : 50);
  const table = headerTable(bytes, "section header", { offset, count, entrySize }, is64 ? 64 : 40);
  const sections = table.map((at, index) => {
    const section = is64 ? section64(bytes, at, index) : section32(bytes, at, index);
    if (section.type !== c.SHT_NOBITS && section.type !== c.SHT_NULL)
      bytes.require(section.offset, section.size, `section ${index} (at byte ${section.offset})`);
    return section;
  });
  if (count === 0 || names === c.SHN_UNDEF) return sections;

  const nameTable = sections[names];
  if (nameTable?.type !== c.SHT_STRTAB)
    bytes.fail(`section ${names}, which should hold the sections' names, is no string table`);
  for (const [index, at] of table.entries()) {
    const section = sections[index];
    if (section === undefined || section.type === c.SHT_NULL) continue;
    section.name = bytes.string({ ...nameTable, name: "the section names" }, bytes.u32(at));
  }
  return sections;
}

function section64(bytes: Bytes, at: number, index: number): Section {
  return {
    index,
    name: "",
    type: bytes.u32(at + 4),
    flags: bytes.u64(at + 8),
    address: bytes.u64(at + 16),
    offset: bytes.size64(at + 24, `section ${index}'s file offset`),
    size: bytes.size64(at + 32, `section ${index}'s size`),
    link: bytes.u32(at + 40),
    entrySize: bytes.size64(at + 56, `section ${index}'s entry size`),
  };
}

function section32(bytes: Bytes, at: number, index: number): Section {
  return {
    index,
    name: "",
    type: bytes.u32(at + 4),
    flags: BigInt(bytes.u32(at + 8)),
    address: BigInt(bytes.u32(at + 12)),
    offset: bytes.u32(at + 16),
    size: bytes.u32(at + 20),
    link: bytes.u32(at + 24),
    entrySize: bytes.u32(at + 36),
  };
}
