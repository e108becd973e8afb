/**
 * What Xen needs of an image. What it shows: an image passes exactly when Xen's
 * loader could find its note, load its segments and enter it, and what is legal
 * but unsafe is flagged. Why it matters: Xen's own words for a bad image are a
 * panic of the host. How it would fail: a note of another owner taken for Xen's,
 * virtual addresses compared where Xen uses physical ones.
 */
import { describe, expect, test } from "vitest";
import { ElfError, parseElf, readNotes, validatePvhImage } from "../../../src/host/elf/index.js";
import {
  buildElf,
  encodeNotes,
  pvhNote,
  TEXT_PHYS,
  u32,
  u64,
  validImage,
  type ImageSpec,
} from "../../fixtures/elf-builder.js";

const validate = (overrides: Partial<ImageSpec> = {}) =>
  validatePvhImage(parseElf(buildElf(validImage(overrides)), "x.elf"));

const segments = validImage().segments ?? [];
const [code, rodata] = segments;

describe("an image that Xen can enter", () => {
  test("entry, extent, segments in physical order", () => {
    const image = validate({ segments: [...segments].reverse() });
    expect(image).toMatchObject({
      entry: TEXT_PHYS,
      start: 0x100000n,
      end: 0x103000n,
      warnings: [],
    });
    expect(image.segments.map(({ paddr }) => paddr)).toEqual([0x100000n, 0x101000n, 0x102000n]);
  });

  test("a 32-bit image", () => {
    const small = {
      permissions: "r-x",
      vaddr: 0x100000n,
      paddr: 0x100000n,
      data: new Uint8Array(4),
    };
    expect(validate({ class: 32, segments: [small], symbols: [] }).entry).toBe(TEXT_PHYS);
  });

  test("a note of 8 bytes", () => {
    const note = { ...pvhNote(0), description: u64(BigInt(TEXT_PHYS) + 4n) };
    expect(validate({ notes: [note] }).entry).toBe(TEXT_PHYS + 4);
  });

  test("the note among others, of other owners and odd lengths", () => {
    const notes = [
      { owner: "GNU", type: 18, description: u32(0) },
      { owner: "Xen", type: 6, description: new TextEncoder().encode("a nine-byt") },
      { owner: "an owner of 17 by", type: 1, description: new Uint8Array(0) },
      pvhNote(TEXT_PHYS + 8),
    ];
    expect(validate({ notes }).entry).toBe(TEXT_PHYS + 8);
  });

  test("the last note's padding may be missing", () => {
    const unpadded = encodeNotes([
      pvhNote(TEXT_PHYS),
      { owner: "Xen", type: 6, description: Uint8Array.of(65) },
    ]).slice(0, -3);
    const elf = parseElf(
      buildElf(validImage({ segments: [...segments, { type: 4, data: unpadded }], notes: [] })),
    );
    expect(validatePvhImage(elf).entry).toBe(TEXT_PHYS);
    expect(readNotes(elf)).toHaveLength(2);
  });

  test("a note may be a header alone", () => {
    const header = encodeNotes([{ owner: "", type: 7, description: new Uint8Array() }]);
    const bare = Uint8Array.of(0, ...header.slice(1, 12));
    const elf = parseElf(buildElf(validImage({ segments: [{ type: 4, data: bare }], notes: [] })));
    expect(readNotes(elf)).toMatchObject([{ owner: "", type: 7, size: 0 }]);
  });

  test("an empty segment to load may lie anywhere", () => {
    const empty = { permissions: "rw-", paddr: 0x100008n, data: new Uint8Array(), memorySize: 0 };
    expect(validate({ segments: [...segments, empty] }).segments).toHaveLength(3);
  });

  test("of two such notes the last counts, as for Xen", () => {
    expect(validate({ notes: [pvhNote(0), pvhNote(TEXT_PHYS + 1)] }).entry).toBe(TEXT_PHYS + 1);
  });

  test("a note in a section alone, as libelf's fallback finds it", () => {
    expect(validate({ notesIn: "section" }).entry).toBe(TEXT_PHYS);
  });

  test("a segment for foreign notes does not hide Xen's in a section", () => {
    const foreign = encodeNotes([{ owner: "GNU", type: 3, description: u32(7) }]);
    const image = validate({
      segments: [...segments, { type: 4, data: foreign }],
      notesIn: "section",
    });
    expect(image.entry).toBe(TEXT_PHYS);
  });

  test("a writable and executable segment is flagged", () => {
    const { warnings } = validate({ segments: [{ ...code, permissions: "rwx" }] });
    expect(warnings).toEqual(["segment 0 is both writable and executable (RWX)"]);
  });

  test("an entry in a segment that is not executable is flagged", () => {
    const { warnings } = validate({ segments: [{ ...code, permissions: "r--" }] });
    expect(warnings).toEqual(["the PVH entry 0x100000 lies in segment 0, which is not executable"]);
  });

  test("segments that touch do not overlap", () => {
    const next = { ...rodata, paddr: 0x100000n + 64n };
    expect(validate({ segments: [{ ...code }, next] }).segments).toHaveLength(2);
  });
});

describe("an image that Xen cannot enter", () => {
  const cut = encodeNotes([pvhNote(TEXT_PHYS)]);
  const cases: [string, Partial<ImageSpec>, RegExp][] = [
    [
      "no note",
      { notes: [] },
      /^x\.elf has no XEN_ELFNOTE_PHYS32_ENTRY \(type 18, owner "Xen"\) note: Xen cannot enter it as PVH; images built by `xenlet build` have one$/,
    ],
    [
      "only another owner's note 18",
      { notes: [{ ...pvhNote(0), owner: "GNU" }] },
      /has no XEN_ELFNOTE/,
    ],
    ["only another note of Xen's", { notes: [{ ...pvhNote(0), type: 17 }] }, /has no XEN_ELFNOTE/],
    [
      "a note of 3 bytes",
      { notes: [{ ...pvhNote(0), description: new Uint8Array(3) }] },
      /PVH entry 0x0 \(the note has 3 bytes, which Xen reads as 0\) lies outside/,
    ],
    [
      "a note of 2 bytes",
      { notes: [{ ...pvhNote(0), description: new Uint8Array(2) }] },
      /PVH entry 0x0 lies outside every segment/,
    ],
    [
      "an entry beyond 4 GiB, of which Xen takes 32 bits",
      { notes: [{ ...pvhNote(0), description: u64(1n << 32n) }] },
      /entry 0x0 lies outside/,
    ],
    [
      "an entry below the image",
      { notes: [pvhNote(0xfffff)] },
      /entry 0xfffff lies outside every segment \(0x100000\.\.0x100040, /,
    ],
    [
      "an entry just behind a segment",
      { notes: [pvhNote(TEXT_PHYS + 64)] },
      /entry 0x100040 lies outside/,
    ],
    [
      "an entry in zeroes",
      { notes: [pvhNote(0x102010)] },
      /entry 0x102010 lies in the zero-filled part of segment 2/,
    ],
    ["an object file", { type: 1 }, /it is a relocatable object, not an executable/],
    ["an unknown file type", { type: 77 }, /it is a file of type 77, not an executable/],
    ["nothing to load", { segments: [] }, /it has no segment to load/],
    [
      "a note cut off in its header",
      { segments: [...segments, { type: 4, data: cut.slice(0, 8) }], notes: [] },
      /has no XEN_ELFNOTE/,
    ],
    [
      "a note cut off in its payload",
      { segments: [...segments, { type: 4, data: cut.slice(0, 17) }], notes: [] },
      /entry 0x[0-9a-f]+ lies outside/,
    ],
    [
      "a note with a giant name",
      {
        segments: [
          ...segments,
          { type: 4, data: Uint8Array.of(255, 255, 255, 255, ...cut.slice(4)) },
        ],
        notes: [],
      },
      /entry 0x[0-9a-f]+ lies outside/,
    ],
  ];

  test.each(cases)("%s", (_, overrides, message) => {
    expect(() => validate(overrides)).toThrow(ElfError);
    expect(() => validate(overrides)).toThrow(message);
  });

  test("a PT_NOTE at file offset 0 is not looked at, as by Xen", () => {
    const elf = parseElf(
      buildElf(
        validImage({ segments: [...segments, { type: 4, offset: 0, fileSize: 20 }], notes: [] }),
      ),
    );
    expect(readNotes(elf)).toEqual([]);
  });
});
