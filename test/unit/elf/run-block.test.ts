// The run block: arguments, environment, randomness and the harness's own words in the run's copy of an image. What it
// shows: they are where boot/run_block.h has them, byte for byte, and what Xen loads stays what it was. Why it matters: a
// guest believes what it finds there. How it would fail: another image's bytes overwritten, a segment over another one, a
// byte that is not what was given, or a list that is cut off silently.

import { describe, expect, test } from "vitest";

import {
  MAX_STRINGS,
  takesRunBlock,
  withRunBlock,
  type Run,
} from "../../../src/host/elf/run-block.js";
import { parseElf, readNotes, validatePvhImage } from "../../../src/host/elf/index.js";
import { buildElf, pvhNote, TEXT_PHYS, validImage } from "../../fixtures/elf-builder.js";

const PADDR = 0x700000n;
const ROOM = 0x11000;

function runNote(room = ROOM): { owner: string; type: number; description: Uint8Array } {
  const description = Buffer.alloc(16);
  description.writeBigUInt64LE(PADDR);
  description.writeUInt32LE(room, 8);
  return { owner: "xenlet", type: 2, description };
}

const image = buildElf(validImage({ notes: [pvhNote(TEXT_PHYS), runNote()] }));

/** What boot code would find. */
function found(data: Uint8Array) {
  const elf = parseElf(data);
  const note = readNotes(elf).find(({ owner }) => owner === "xenlet");
  const size = Buffer.from(note?.description ?? []).readUInt32LE(12);
  const segments = elf.segments.filter(({ type, paddr }) => type === 1 && paddr === PADDR);
  expect(segments).toHaveLength(1);
  const offset = segments[0]?.offset ?? 0;
  const block = Buffer.from(data).subarray(offset, offset + size);
  expect(block.readUInt32LE(8)).toBe(size);
  expect(block.toString("latin1", 0, 8)).toBe("xenlrun\x01");
  const text = (at: number): string => block.toString("latin1", at, block.indexOf(0, at));
  const strings: string[] = [];
  let at = block.readUInt32LE(100);
  for (let left = block.readUInt32LE(92) + block.readUInt32LE(96); left > 0; left--) {
    strings.push(text(at));
    at = block.indexOf(0, at) + 1;
  }
  const count = block.readUInt32LE(92);
  return {
    flags: block.readUInt32LE(12),
    nonce: text(16),
    way: text(40),
    random: block.toString("hex", 48, 80),
    arguments: strings.slice(0, count),
    variables: strings.slice(count),
    cmdline: block.readUInt32LE(104) === 0 ? null : text(block.readUInt32LE(104)),
    module: { paddr: block.readBigUInt64LE(112), size: block.readBigUInt64LE(120) },
  };
}

describe("what a run gives its image", () => {
  test("is in one more segment, where the note says; all else stays", () => {
    const random = new Uint8Array(32).fill(0xa5);
    const given: Run = {
      nonce: "n0nce",
      way: "domu",
      name: "a guest.ts",
      arguments: ["", "two words", Buffer.from([0xff, 10, 1])],
      variables: ["A=1", "B=c d"],
      random,
      input: true,
    };
    const copy = withRunBlock(image, given);
    expect(found(copy)).toEqual({
      flags: 1 | 16 | 32,
      nonce: "n0nce",
      way: "domu",
      random: "a5".repeat(32),
      arguments: ["a guest.ts", "", "two words", "\xff\n\x01"],
      variables: ["A=1", "B=c d"],
      cmdline: null,
      module: { paddr: 0n, size: 0n },
    });
    const before = validatePvhImage(parseElf(image));
    const after = validatePvhImage(parseElf(copy, "copy"));
    expect(after.entry).toBe(before.entry);
    expect(after.segments.filter(({ paddr }) => paddr !== PADDR)).toEqual(before.segments);
  });

  test("without arguments leaves them to the command line", () => {
    expect(found(withRunBlock(image, { name: "x" }))).toMatchObject({
      flags: 0,
      arguments: ["x"],
    });
  });

  test("takes the place of what another run gave, but for a command line and a module that only the image has", () => {
    const module = Buffer.from("the next kernel");
    const built = withRunBlock(image, { cmdline: "a=1 b", module });
    expect(found(built)).toMatchObject({ cmdline: "a=1 b", nonce: "", flags: 0 });
    const run = withRunBlock(built, { nonce: "n", name: "x", arguments: ["y"] });
    const result = found(run);
    expect(result).toMatchObject({ cmdline: "a=1 b", nonce: "n", arguments: ["x", "y"] });
    const segment = validatePvhImage(parseElf(run)).segments.find(
      ({ paddr }) => paddr === result.module.paddr,
    );
    expect(result.module.size).toBe(15n);
    expect(run.toString("latin1", segment?.offset, (segment?.offset ?? 0) + 15)).toBe(
      "the next kernel",
    );
    expect(found(withRunBlock(built, { cmdline: "c" })).cmdline).toBe("c");
  });

  test("is 64 KiB of arguments and environment at most, a byte for each one's end", () => {
    const fits = "x".repeat(MAX_STRINGS - 4);
    expect(found(withRunBlock(image, { name: "g", arguments: [fits, ""] })).arguments[1]).toBe(
      fits,
    );
    expect(() => withRunBlock(image, { name: "g", arguments: [`${fits}x`, ""] })).toThrow(
      /take 65537 bytes.*65536/,
    );
  });

  test("has no NUL, and no variable without a name", () => {
    expect(() => withRunBlock(image, { arguments: ["a", "b\0c"] })).toThrow(
      /argument 2 contains a NUL/,
    );
    for (const variable of ["", "A", "=1"])
      expect(() => withRunBlock(image, { variables: [variable] })).toThrow(/expected NAME=VALUE/);
    expect(() => withRunBlock(image, { variables: ["A=b\0"] })).toThrow(/contains a NUL/);
  });

  test("does not go into an image without a place for it, or with too small a one", () => {
    const other = buildElf(validImage());
    expect(takesRunBlock(parseElf(other))).toBe(false);
    expect(takesRunBlock(parseElf(image))).toBe(true);
    expect(() => withRunBlock(other, {})).toThrow(/no run-block note/);
    const small = buildElf(validImage({ notes: [pvhNote(TEXT_PHYS), runNote(200)] }));
    expect(() => withRunBlock(small, { name: "x".repeat(100) })).toThrow(/room for 200 bytes only/);
  });
});
