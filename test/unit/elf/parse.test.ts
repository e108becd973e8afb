/**
 * The ELF reader. What it shows: a well-formed image is read as it was written,
 * in both classes, and each way in which a file can be malformed gets an error
 * that names it. Why it matters: images come from anywhere, and what this reader
 * lets through goes to a hypervisor. How it would fail: a field read at the other
 * class's offset, a size trusted without a look at the file's end.
 */
import { describe, expect, test } from "vitest";
import { ElfError, parseElf, readElf, readSymbols } from "../../../src/host/elf/index.js";
import { UserError } from "../../../src/host/base/errors.js";
import { buildElf, KERNEL, TEXT_PHYS, validImage } from "../../fixtures/elf-builder.js";

/** Overwrites a little-endian field of the file. */
function patch(image: Uint8Array, offset: number, size: number, value: bigint | number) {
  const copy = Uint8Array.from(image);
  for (let i = 0; i < size; i++)
    copy[offset + i] = Number((BigInt(value) >> BigInt(8 * i)) & 0xffn);
  return copy;
}

function field(image: Uint8Array, offset: number, size: 2 | 8): number {
  const view = new DataView(image.buffer);
  return size === 2 ? view.getUint16(offset, true) : Number(view.getBigUint64(offset, true));
}

const valid = buildElf(validImage());
const PHDR = 64; // the first program header of an ELF64 file
const SHOFF = 40;
const SHENT = 64;
const firstSection = field(valid, SHOFF, 8);

describe("a well-formed image", () => {
  test("ELF64: header, segments, sections, symbols", () => {
    const elf = parseElf(valid);
    expect(elf).toMatchObject({ class: 64, type: 2, machine: 62, entry: KERNEL + 0x100000n });
    expect(elf.segments.map(({ type }) => type)).toEqual([1, 1, 1, 4]);
    expect(elf.segments[2]).toMatchObject({
      index: 2,
      readable: true,
      writable: true,
      executable: false,
      fileSize: 16,
      memorySize: 0x1000,
      vaddr: KERNEL + 0x102000n,
      paddr: 0x102000n,
    });
    expect(elf.sections.map(({ name }) => name)).toEqual([
      "",
      ".text",
      ".symtab",
      ".strtab",
      ".note.Xen",
      ".shstrtab",
    ]);
    expect(readSymbols(elf)).toMatchObject([
      { name: "start", address: KERNEL + BigInt(TEXT_PHYS), size: 16, kind: "function" },
      { name: "wasm_fn_main0x2Frun", size: 32 },
    ]);
  });

  test("ELF32: the same, at the other offsets", () => {
    const segment = {
      permissions: "-wx",
      vaddr: 0x100000n,
      paddr: 0x200000n,
      data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
      memorySize: 32,
    };
    const symbols = [{ name: "start", address: 0x100004n, size: 4 }];
    const image = buildElf(validImage({ class: 32, segments: [segment], symbols }));
    const elf = parseElf(image);
    expect(elf).toMatchObject({ class: 32, machine: 3, entry: 0x100000n });
    expect(elf.segments[0]).toMatchObject({
      readable: false,
      executable: true,
      writable: true,
      vaddr: 0x100000n,
      paddr: 0x200000n,
      fileSize: 8,
      memorySize: 32,
    });
    const { offset = 0 } = elf.segments[0] ?? {};
    expect(image.slice(offset, offset + 8)).toEqual(segment.data);
    expect(elf.sections[1]).toMatchObject({
      name: ".text",
      flags: 6n,
      address: 0x100000n,
      size: 8,
    });
    expect(readSymbols(elf)).toMatchObject([
      { name: "start", address: 0x100004n, size: 4, kind: "function" },
    ]);
  });

  test("ELF32: a bare header is enough", () => {
    const bare = buildElf({ class: 32 }).slice(0, 52);
    const without = patch(patch(bare, 32, 4, 0), 48, 2, 0);
    expect(parseElf(without)).toMatchObject({ segments: [], sections: [] });
  });

  test("symbols by kind; sections' and files' own are left out", () => {
    const address = KERNEL + BigInt(TEXT_PHYS);
    const symbols = (["function", "object", "none", "section", "file"] as const).map((kind) => {
      return { name: `a_${kind}`, address, kind };
    });
    const kinds = readSymbols(parseElf(buildElf(validImage({ symbols })))).map(
      ({ name, kind }) => `${name}: ${kind}`,
    );
    expect(kinds).toEqual(["a_function: function", "a_object: object", "a_none: other"]);
  });

  test("a section without contents (.bss) may lie beyond the file's end", () => {
    const bss = patch(
      patch(valid, firstSection + SHENT + 4, 4, 8),
      firstSection + SHENT + 24,
      8,
      1 << 30,
    );
    expect(parseElf(bss).sections[1]).toMatchObject({ type: 8, offset: 1 << 30 });
  });

  test("a segment may end where the address space does", () => {
    const image = patch(valid, PHDR + 24, 8, (1n << 64n) - 64n);
    expect(parseElf(image).segments[0]).toMatchObject({ paddr: (1n << 64n) - 64n, memorySize: 64 });
  });

  test("no sections at all is no error", () => {
    const elf = parseElf(patch(patch(valid, SHOFF, 8, 0), 60, 2, 0));
    expect(elf.sections).toEqual([]);
    expect(readSymbols(elf)).toEqual([]);
  });
});

describe("a malformed image", () => {
  const symtab = firstSection + 2 * SHENT;
  const strtab = firstSection + 3 * SHENT;
  const cases: [string, Uint8Array, RegExp][] = [
    ["empty", new Uint8Array(), /not an ELF file: it begins with nothing/],
    [
      "text",
      new TextEncoder().encode("#!/bin/sh\n"),
      /not an ELF file: it begins with 23 21 2f 62/,
    ],
    ["three bytes of the magic", valid.slice(0, 3), /not an ELF file: it begins with 7f 45 4c,/],
    [
      "only the magic",
      valid.slice(0, 4),
      /the ELF identification would end at byte 16.*has 4 bytes/,
    ],
    ["half a header", valid.slice(0, 40), /the ELF header would end at byte 64.*has 40 bytes/],
    ["class 3", patch(valid, 4, 1, 3), /ELF class is 3, expected 1 \(32-bit\) or 2 \(64-bit\)/],
    ["big endian", patch(valid, 5, 1, 2), /byte order is 2, expected 1 \(little endian\)/],
    ["AArch64", patch(valid, 18, 2, 183), /machine is 183, expected 3 \(x86\) or 62 \(x86-64\)/],
    ["program header size", patch(valid, 54, 2, 32), /a program header has 32 bytes, expected 56/],
    [
      "program headers past the end",
      patch(valid, 32, 8, valid.length - 8),
      /table of 4 program headers would end/,
    ],
    [
      "program headers at 2^63",
      patch(valid, 32, 8, 1n << 63n),
      /program headers' offset is impossible/,
    ],
    ["65535 program headers", patch(valid, 56, 2, 0xffff), /65535 program headers/],
    [
      "segment past the end",
      patch(valid, PHDR + 8, 8, valid.length),
      /segment 0 \(at byte \d+\) would end/,
    ],
    [
      "segment of 2^60 bytes",
      patch(valid, PHDR + 32, 8, 1n << 60n),
      /segment 0 \(at byte \d+\) would end/,
    ],
    [
      "more in the file than in memory",
      patch(valid, PHDR + 40, 8, 8),
      /segment 0 has 64 bytes in the file but only 8 in memory/,
    ],
    [
      "physical address wraps",
      patch(valid, PHDR + 24, 8, (1n << 64n) - 8n),
      /segment 0 ends beyond the physical/,
    ],
    [
      "section headers past the end",
      patch(valid, SHOFF, 8, valid.length - 8),
      /table of 6 section headers would end/,
    ],
  ];

  test.each(cases)("%s", (_, image, message) => {
    expect(() => parseElf(image, "x.elf")).toThrow(ElfError);
    expect(() => parseElf(image, "x.elf")).toThrow(message);
    expect(() => parseElf(image, "x.elf")).toThrow(/^x\.elf: /);
  });

  // No loader looks there: an image that Xen takes is taken, and what is wrong with it is said.
  const defects: [string, Uint8Array, RegExp][] = [
    ["section header size", patch(valid, 58, 2, 40), /a section header has 40 bytes, expected 64/],
    [
      "names in no string table",
      patch(valid, 62, 2, 2),
      /the section that should hold the sections' names is not a string table/,
    ],
    [
      "names in a section that is not there",
      patch(valid, 62, 2, 99),
      /the section that should hold the sections' names is not a string table/,
    ],
    [
      "section past the end",
      patch(valid, strtab + 24, 8, valid.length),
      /section 3 \(at byte \d+\) ends beyond the file/,
    ],
    [
      "section name past the names",
      patch(valid, strtab, 4, 4000),
      /string at 4000 of the section names runs past/,
    ],
  ];
  test.each(defects)("sections: %s", (_, image, message) => {
    const elf = parseElf(image, "x.elf");
    expect(elf.defects).toContainEqual(expect.stringMatching(message));
    expect(elf.segments).toEqual(parseElf(valid).segments);
    expect(parseElf(valid).defects).toEqual([]);
  });

  const symbolCases: [string, Uint8Array, RegExp][] = [
    ["entry size", patch(valid, symtab + 56, 8, 16), /a symbol has 16 bytes, expected 24/],
    [
      "names in no string table",
      patch(valid, symtab + 40, 4, 1),
      /section 1, which should hold the symbols' names/,
    ],
    [
      "string table without an end",
      patch(valid, strtab + 32, 8, 3),
      /of the symbol names runs past its end/,
    ],
  ];
  test.each(symbolCases)("symbol table: %s", (_, image, message) => {
    const elf = parseElf(image);
    expect(() => readSymbols(elf)).toThrow(ElfError);
    expect(() => readSymbols(elf)).toThrow(message);
  });

  test("an ElfError ends xenlet with 123, bad input", () => {
    expect.assertions(2);
    try {
      parseElf(new Uint8Array());
    } catch (error) {
      expect(error).toBeInstanceOf(UserError);
      expect(error).toHaveProperty("exitCode", 123);
    }
  });

  test("a file that is not there says which", async () => {
    await expect(readElf("no/such.elf")).rejects.toThrow(
      /cannot read the image no\/such\.elf: ENOENT/,
    );
    await expect(readElf("no/such.elf")).rejects.toHaveProperty("exitCode", 123);
  });
});
