import type { Bytes } from "./bytes.js";
import * as c from "./constants.js";
import type { Elf } from "./elf.js";

/** A function of the symbol table. */
export interface ElfSymbol {
  name: string;
  address: bigint;
  /** 0 where the assembler was not told (.size). */
  size: number;
  kind: "function" | "object" | "other";
  /** Index of the section it lies in; ≥ 0xff00 is special (absolute, common). */
  section: number;
}

/**
 * The named, defined symbols of the symbol table; empty for a stripped image.
 * Throws an ElfError for a table that contradicts itself.
 */
export function readSymbols(elf: Elf): ElfSymbol[] {
  const bytes: Bytes = elf.bytes;
  const table = elf.sections.find((section) => section.type === c.SHT_SYMTAB);
  if (table === undefined) return [];
  const is64 = elf.class === 64;
  const entrySize = is64 ? 24 : 16;
  if (table.entrySize !== entrySize)
    bytes.fail(`a symbol has ${table.entrySize} bytes, expected ${entrySize}`);
  const strings = elf.sections[table.link];
  if (strings?.type !== c.SHT_STRTAB)
    bytes.fail(
      `section ${table.link}, which should hold the symbols' names, is not a string table`,
    );

  const symbols: ElfSymbol[] = [];
  bytes.require(table.offset, table.size, "the symbol table");
  const end = table.offset + table.size - (table.size % entrySize);
  for (let at = table.offset; at < end; at += entrySize) {
    const type = bytes.u8(at + (is64 ? 4 : 12)) & 0xf;
    const section = bytes.u16(at + (is64 ? 6 : 14));
    if (section === c.SHN_UNDEF || type === c.STT_SECTION || type === c.STT_FILE) continue;
    const name = bytes.string({ ...strings, name: "the symbol names" }, bytes.u32(at));
    if (name === "") continue;
    symbols.push({
      name,
      address: is64 ? bytes.u64(at + 8) : BigInt(bytes.u32(at + 4)),
      size: is64 ? bytes.size64(at + 16, `the size of ${name}`) : bytes.u32(at + 8),
      kind: type === c.STT_FUNC ? "function" : type === c.STT_OBJECT ? "object" : "other",
      section,
    });
  }
  return symbols;
}
