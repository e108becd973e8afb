/**
 * Damaged images. What it shows: whatever bytes are missing or wrong, reading an
 * image ends, and ends either in an ElfError or in a description. Why it matters:
 * a download cut short must not look like a bug of xenlet, nor hang a build. How it
 * would fail: a RangeError from a DataView, a loop over a count of 2^32.
 */
import { describe, expect, test } from "vitest";
import { ElfError, formatInspection, inspectElf, parseElf } from "../../../src/host/elf/index.js";
import { buildElf, validImage } from "../../fixtures/elf-builder.js";
import { random } from "../../fixtures/random.js";

function describeImage(image: Uint8Array): string {
  try {
    return formatInspection(inspectElf(parseElf(image)));
  } catch (error) {
    if (error instanceof ElfError) return "ElfError";
    throw error;
  }
}

const segment = { permissions: "r-x", vaddr: 0x100000n, paddr: 0x100000n, data: new Uint8Array(8) };
const images = {
  ELF64: buildElf(validImage()),
  ELF32: buildElf(validImage({ class: 32, segments: [segment], symbols: [] })),
};

describe.each(Object.entries(images))("%s", (_, image) => {
  test("cut off after any byte: an ElfError", () => {
    for (let length = 0; length < image.length; length++)
      expect(describeImage(image.slice(0, length)), `cut at ${length}`).toBe("ElfError");
  });

  test("bytes behind the end change nothing but the size", () => {
    const longer = new Uint8Array(image.length + 100);
    longer.set(image);
    const { parts, bytes, ...rest } = inspectElf(parseElf(longer));
    const original = inspectElf(parseElf(image));
    expect(rest).toEqual({ ...rest, segments: original.segments, pvh: original.pvh });
    expect(bytes).toBe(image.length + 100);
    expect(parts.reduce((sum, part) => sum + part.bytes, 0)).toBe(bytes);
  });

  test("any single byte replaced", () => {
    for (let offset = 0; offset < image.length; offset++)
      for (const value of [0x00, 0x01, 0x7f, 0x80, 0xff]) {
        const damaged = Uint8Array.from(image);
        damaged[offset] = value;
        expect(() => describeImage(damaged), `byte ${offset} = ${value}`).not.toThrow();
      }
  });

  test("many bits flipped at random (seeded)", () => {
    let errors = 0;
    for (let seed = 0; seed < 2000; seed++) {
      const next = random(seed);
      const damaged = Uint8Array.from(image);
      for (let flips = 1 + next(16); flips > 0; flips--) {
        // Mostly in the headers, where there is something to break.
        const offset = next(next(2) === 0 ? 256 : image.length);
        damaged[offset] = (damaged[offset] ?? 0) ^ (1 << next(8));
      }
      expect(() => {
        if (describeImage(damaged) === "ElfError") errors++;
      }, `seed ${seed}`).not.toThrow();
    }
    // The test itself: damage is noticed, and not everything is called damage.
    expect(errors).toBeGreaterThan(200);
    expect(errors).toBeLessThan(2000);
  });
});
