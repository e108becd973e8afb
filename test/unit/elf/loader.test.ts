/**
 * Images that are odd in one way each, as the host reads them. What it shows: what Xen's loader takes is taken, with the
 * entry that Xen would use, and what it refuses is refused. Why it matters: an image that another project made is not
 * ours to judge, and a wrong "no" here is the end of the run. How it would fail: a note's segment read more strictly than
 * Xen reads it (padding, a name of 3 bytes), or a section's note missed. The same table is held against the reader of
 * kexec and the toolstack (test/runtime/kexec-load.test.ts) and against Xen itself (test/boot/foreign.test.ts).
 */
import { describe, expect, test } from "vitest";
import { ElfError, inspectElf, parseElf, validatePvhImage } from "../../../src/host/elf/index.js";
import { buildElf, pvhNote, TEXT_PHYS, u32, validImage } from "../../fixtures/elf-builder.js";
import { LOADER_CASES } from "../../fixtures/loader-cases.js";

describe.each(LOADER_CASES)("$name", ({ image, entry }) => {
  test(entry === null ? "is refused" : "is taken", () => {
    const read = () => validatePvhImage(parseElf(image(), "x.elf")).entry;
    if (entry === null) expect(read).toThrow(ElfError);
    else expect(read()).toBe(TEXT_PHYS + entry);
  });
});

describe("what is odd and taken is said", () => {
  const warningsOf = (name: string): string[] => {
    const found = LOADER_CASES.find((one) => one.name === name);
    if (found === undefined) throw new Error(`there is no case "${name}"`);
    return inspectElf(parseElf(found.image(), "x.elf")).warnings;
  };

  test.each([
    [
      "a segment over another's zeroes",
      /^segments 0 and 1 overlap .*: segment 1 is loaded over segment 0$/,
    ],
    [
      "8 bytes, of which the upper 4 do not count",
      /more than 32 bits, of which Xen uses 0x100004$/,
    ],
    ["a stack's segment that claims bytes which are not there", /^segment 1 ends beyond the file$/],
    ["sections' names that are not there", /is not a string table$/],
  ])("%s", (name, warning) => {
    expect(warningsOf(name)).toContainEqual(expect.stringMatching(warning));
  });

  test("an image for domain 0 alone", () => {
    const features = { owner: "Xen", type: 10, description: Buffer.from("!dom0\0") };
    const elf = parseElf(buildElf(validImage({ notes: [features, pvhNote(TEXT_PHYS)] })));
    expect(validatePvhImage(elf).dom0Only).toBe(true);
    expect(inspectElf(elf).warnings).toContainEqual(expect.stringMatching(/ask for domain 0/));
  });

  test("a table of symbols that contradicts itself keeps nobody from looking at the rest", () => {
    const image = buildElf(validImage());
    const symtab = new DataView(image.buffer).getUint32(40, true) + 2 * 64;
    image.set(u32(17), symtab + 56);
    const { pvh, symbols, warnings } = inspectElf(parseElf(image));
    expect(pvh).not.toBeNull();
    expect(symbols.count).toBe(0);
    expect(warnings).toContainEqual(expect.stringMatching(/a symbol has 17 bytes, expected 24/));
  });
});
