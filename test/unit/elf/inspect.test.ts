/**
 * `xenlet inspect`. What it shows: notes by name, entry, segments with their
 * permissions, symbols, and parts that add up to the file; also for images that
 * are no PVH guests. Why it matters: it is what a person looks at when Xen
 * refuses an image. How it would fail: a bigint that JSON cannot carry, a
 * function counted twice.
 */
import { expect, test } from "vitest";
import { formatInspection, inspectElf, parseElf } from "../../../src/host/elf/index.js";
import {
  buildElf,
  KERNEL,
  pvhNote,
  TEXT_PHYS,
  u64,
  validImage,
  type ImageSpec,
} from "../../fixtures/elf-builder.js";

const inspect = (overrides: Partial<ImageSpec> = {}) =>
  inspectElf(parseElf(buildElf(validImage(overrides)), "x.elf"));

test("a guest: everything, ready for JSON", () => {
  const image = inspect();
  expect(JSON.parse(JSON.stringify(image))).toEqual(image);
  expect(image).toMatchObject({
    path: "x.elf",
    class: 64,
    machine: "x86-64",
    type: "executable",
    pvh: { entry: "0x100000", entrySymbol: "start", start: "0x100000", end: "0x103000" },
    problem: null,
    notes: [{ owner: "Xen", type: 18, name: "PHYS32_ENTRY", value: "0x100000" }],
  });
  expect(image.segments.map(({ type, permissions }) => `${type} ${permissions}`)).toEqual([
    "LOAD r-x",
    "LOAD r--",
    "LOAD rw-",
    "NOTE r--",
  ]);
  expect(image.symbols).toEqual({
    count: 2,
    functions: 2,
    largest: [
      { name: "run (main.ts)", bytes: 32 },
      { name: "start", bytes: 16 },
    ],
  });
});

test("parts: code by who wrote it, data by kind, and no byte lost", () => {
  const base = KERNEL + BigInt(TEXT_PHYS);
  const image = inspect({
    segments: [
      ...(validImage().segments ?? []),
      { permissions: "rw-", vaddr: 0x1000n, paddr: 0x200000n, data: new Uint8Array(24) },
    ],
    symbols: [
      { name: "boot_main", address: base, size: 8 },
      { name: "boot_main_alias", address: base, size: 8 },
      { name: "wasm_fn_main0x2Frun", address: base + 8n, size: 10 },
      { name: "wasm_fn_0x7Elib0x2Fxenlet0x2Fsched0x2Fyield", address: base + 18n, size: 12 },
      { name: "wasm_fn_0x7Elib0x2Frt0x2Ftlsf0x2FaddMemory", address: base + 30n, size: 14 },
    ],
  });
  expect(Object.fromEntries(image.parts.map(({ name, bytes }) => [name, bytes]))).toMatchObject({
    "code: boot and Wasm support (C)": 8,
    "code: guest": 10,
    "code: xenlet's runtime": 12,
    "code: AssemblyScript's library": 14,
    "code: assembly and padding": 20,
    "read-only data": 32,
    data: 16,
    "linear memory's initial data": 24,
  });
  expect(image.parts.reduce((sum, part) => sum + part.bytes, 0)).toBe(image.bytes);
});

test("notes: known ones by name, text as text, foreign ones as bytes", () => {
  const { notes } = inspect({
    notes: [
      { owner: "Xen", type: 6, description: new TextEncoder().encode("xenlet\0") },
      { owner: "Xen", type: 3, description: u64(KERNEL) },
      { owner: "Xen", type: 99, description: Uint8Array.of(1, 2) },
      { owner: "GNU", type: 3, description: Uint8Array.of(0xab, 0xcd) },
      pvhNote(TEXT_PHYS),
    ],
  });
  expect(notes.map(({ owner, name, value }) => [owner, name, value])).toEqual([
    ["Xen", "GUEST_OS", "xenlet"],
    ["Xen", "VIRT_BASE", "0xffffffff80000000"],
    ["Xen", null, "0102"],
    ["GNU", null, "abcd"],
    ["Xen", "PHYS32_ENTRY", "0x100000"],
  ]);
});

test("an ELF file that is no guest is described, with the reason", () => {
  const image = inspect({ notes: [] });
  expect(image.pvh).toBeNull();
  expect(image.problem).toMatch(/has no XEN_ELFNOTE_PHYS32_ENTRY/);
  expect(image.segments).toHaveLength(3);
  expect(formatInspection(image)).toMatch(/^not a PVH guest: x\.elf has no XEN_ELFNOTE/m);
});

test("the text", () => {
  expect(formatInspection(inspect())).toMatchInlineSnapshot(`
    "x.elf: ELF64 x86-64 executable, 1072 B (1.0 KiB)
    PVH entry 0x100000 (start); occupies 0x100000..0x103000, physical

    notes
      Xen  PHYS32_ENTRY  0x100000

    segments
      type       virtual             physical  in file  in memory
      LOAD  r-x  0xffffffff80100000  0x100000  64 B     64 B
      LOAD  r--  0xffffffff80101000  0x101000  32 B     32 B
      LOAD  rw-  0xffffffff80102000  0x102000  16 B     4096 B (4.0 KiB)
      NOTE  r--  0x0                 0x0       20 B     20 B

    loaded sections
      .text  0xffffffff80100000  64 B

    size by part
      code: boot and Wasm support (C)  16 B
      code: guest                      32 B
      code: assembly and padding       16 B
      read-only data                   32 B
      data                             16 B
      symbols and names                142 B
      other sections                   20 B
      headers and padding              798 B

    symbols: 2, of them 2 functions; the largest
      run (main.ts)  32 B
      start          16 B"
  `);
});

test("the text warns of a writable and executable segment, and of no symbols", () => {
  const [code] = validImage().segments ?? [];
  const text = formatInspection(
    inspect({ segments: [{ ...code, permissions: "rwx" }], symbols: [] }),
  );
  expect(text).toMatch(/^warning: segment 0 is both writable and executable \(RWX\)$/m);
  expect(text).toMatch(/^symbols: none \(stripped\)$/m);
});
