// A command line and a module that an image brings along. What it shows: they are where boot/start_info.c looks, and what
// Xen loads stays what it was. Why it matters: libxl gives a domain of type hvm neither, and says nothing of it. How it
// would fail: another image's bytes overwritten, a module over the image, or a text that is cut off silently.

import { describe, expect, test } from "vitest";

import { parseElf, readNotes, validatePvhImage } from "../../../src/host/elf/index.js";
import { withGiven } from "../../../src/host/elf/embedded-note.js";
import { buildElf, pvhNote, TEXT_PHYS, validImage } from "../../fixtures/elf-builder.js";

const ROOM = 1040;
const given = { owner: "xenlet", type: 1, description: new Uint8Array(ROOM) };
const image = buildElf(validImage({ notes: [pvhNote(TEXT_PHYS), given] }));

/** What the boot code would find. */
function found(data: Uint8Array) {
  const note = readNotes(parseElf(data)).find(({ owner }) => owner === "xenlet");
  const bytes = Buffer.from(note?.description ?? []);
  return {
    module: { paddr: bytes.readBigUInt64LE(0), size: bytes.readBigUInt64LE(8) },
    cmdline: bytes.toString("latin1", 16).replace(/\0.*$/s, ""),
  };
}

describe("what an image brings along", () => {
  test("nothing, as it is built", () => {
    expect(found(image)).toEqual({ module: { paddr: 0n, size: 0n }, cmdline: "" });
  });

  test("a command line, in its place; all else stays", () => {
    const copy = withGiven(image, { cmdline: "a=1 b" });
    expect(found(copy).cmdline).toBe("a=1 b");
    expect(copy.length).toBe(image.length);
    expect(parseElf(copy).segments).toEqual(parseElf(image).segments);
    // A shorter one leaves nothing of the one before.
    expect(found(withGiven(copy, { cmdline: "c" })).cmdline).toBe("c");
  });

  test("a module, as one more segment behind all others", () => {
    const module = Buffer.from("the next kernel");
    const copy = withGiven(image, { cmdline: "", module });
    const before = validatePvhImage(parseElf(image));
    const after = validatePvhImage(parseElf(copy, "copy"));
    expect(after.segments).toHaveLength(before.segments.length + 1);
    expect(after.entry).toBe(before.entry);
    const last = after.segments.at(-1);
    expect(found(copy).module).toEqual({ paddr: last?.paddr, size: 15n });
    expect(last?.paddr).toBe((before.end + 0xfffn) & -0x1000n);
    const offset = last?.offset ?? 0;
    expect(copy.toString("latin1", offset, offset + 15)).toBe("the next kernel");
  });

  test("not what has no room: a longer text, another's image", () => {
    expect(withGiven(image, { cmdline: "x".repeat(ROOM - 17) })).toBeDefined();
    expect(() => withGiven(image, { cmdline: "x".repeat(ROOM - 16) })).toThrow(
      /1024 bytes, and 1023/,
    );
    expect(() => withGiven(buildElf(validImage()), { cmdline: "" })).toThrow(/no note to put/);
  });
});
