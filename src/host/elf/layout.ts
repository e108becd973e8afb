/** What the bytes of an image are for. */
import { sourceName, wasmName } from "./demangle.js";
import * as c from "./constants.js";
import type { Elf, Section, Segment } from "./elf.js";
import type { ElfSymbol } from "./symbols.js";

export interface Part {
  name: string;
  bytes: number;
}

/** Linear memory is mapped at virtual 0, at most 4 GiB of it; the rest of an image lives far above. */
const LINEAR_MEMORY_END = 1n << 32n;

/**
 * Splits the file: code by who wrote it (as far as symbols tell), loaded data by
 * kind, what is not loaded, and the remainder. The parts add up to the file's
 * size unless sections share bytes, which no linker does. Empty parts are left out.
 */
export function fileParts(elf: Elf, symbols: ElfSymbol[]): Part[] {
  const parts = new Map<string, number>();
  const add = (name: string, bytes: number) => parts.set(name, (parts.get(name) ?? 0) + bytes);

  for (const segment of elf.segments) {
    if (segment.type !== c.PT_LOAD) continue;
    if (segment.executable) addCode(segment, symbols, add);
    else add(dataPart(elf, segment), segment.fileSize);
  }
  for (const section of elf.sections) {
    const loaded = (section.flags & BigInt(c.SHF_ALLOC)) !== 0n;
    if (loaded || section.type === c.SHT_NOBITS || section.type === c.SHT_NULL) continue;
    add(unloadedPart(section), section.size);
  }
  const sum = [...parts.values()].reduce((total, bytes) => total + bytes, 0);
  add("headers and padding", Math.max(0, elf.bytes.size - sum));
  return [...parts].map(([name, bytes]) => ({ name, bytes })).filter(({ bytes }) => bytes > 0);
}

function addCode(
  segment: Segment,
  symbols: ElfSymbol[],
  add: (name: string, bytes: number) => void,
): void {
  const end = segment.vaddr + BigInt(segment.fileSize);
  let attributed = 0;
  let reached = segment.vaddr;
  const functions = symbols
    .filter(({ kind, address }) => kind === "function" && address >= segment.vaddr && address < end)
    .sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : b.size - a.size));
  for (const { name, address, size } of functions) {
    // Aliases, and labels inside a function, must not be counted twice.
    if (address < reached || address + BigInt(size) > end) continue;
    reached = address + BigInt(size);
    attributed += size;
    add(codePart(name), size);
  }
  const rest = segment.fileSize - attributed;
  add(attributed === 0 ? "code" : "code: assembly and padding", rest);
}

function codePart(symbol: string): string {
  const name = wasmName(symbol);
  if (name === null) return "code: boot and Wasm support (C)";
  const { file } = sourceName(name);
  if (file?.startsWith("~lib/xenlet/") === true) return "code: xenlet's runtime";
  // The program's own statements are inlined into ~start.
  if (file?.startsWith("~lib/") === true || (name.startsWith("~") && name !== "~start"))
    return "code: AssemblyScript's library";
  return "code: guest";
}

function dataPart(elf: Elf, segment: Segment): string {
  if (elf.class === 64 && segment.vaddr < LINEAR_MEMORY_END) return "linear memory's initial data";
  return segment.writable ? "data" : "read-only data";
}

function unloadedPart(section: Section): string {
  if (section.name.startsWith(".debug")) return "debug information";
  return section.type === c.SHT_SYMTAB || section.type === c.SHT_STRTAB
    ? "symbols and names"
    : "other sections";
}
