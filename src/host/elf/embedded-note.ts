// What an image brings along for a loader that gives it neither command line nor module: a note of its own (owner
// "xenlet"), empty when it is built, which boot/start_info.c reads. A module is one more segment.

import * as c from "./constants.js";
import { parseElf } from "./elf.js";
import { findNote } from "./notes.js";
import { validatePvhImage } from "./pvh.js";

const OWNER = "xenlet";
const XENLET_ELFNOTE_GIVEN = 1;
/** u64 module_paddr, u64 module_size; then the command line, to its NUL. */
const CMDLINE_AT = 16;

const EHDR_PHOFF = 32;
const EHDR_PHNUM = 56;
const PHDR_SIZE = 56;
const PAGE = 4096;

/**
 * A copy of an ELF64 image of ours, with this command line and module. Throws an ElfError for one that has no room for
 * them: another's image, or a longer text than there is place for.
 */
export function withGiven(
  image: Uint8Array,
  { cmdline, module }: { cmdline: string; module?: Uint8Array | undefined },
): Buffer {
  const elf = parseElf(image);
  const { bytes } = elf;
  const note = findNote(elf, OWNER, XENLET_ELFNOTE_GIVEN);
  if (note === undefined || elf.class !== 64)
    return bytes.fail(
      "it has no note to put a command line into: only images built by xenlet have one",
    );
  const text = Buffer.from(cmdline);
  const most = note.size - CMDLINE_AT - 1;
  if (text.length > most)
    bytes.fail(`its command line has ${text.length} bytes, and ${most} is all there is room for`);
  const copy = Buffer.from(image);
  copy.fill(0, note.offset, note.offset + note.size);
  text.copy(copy, note.offset + CMDLINE_AT);
  if (module === undefined || module.length === 0) return copy;
  const paddr = pageUp(validatePvhImage(elf).end);
  copy.writeBigUInt64LE(paddr, note.offset);
  copy.writeBigUInt64LE(BigInt(module.length), note.offset + 8);
  return withSegment(copy, elf.segments.length, paddr, module);
}

/** Its table of segments moves to the file's end, where there is room for one more. */
function withSegment(image: Buffer, count: number, paddr: bigint, data: Uint8Array): Buffer {
  const from = Number(image.readBigUInt64LE(EHDR_PHOFF));
  const table = Buffer.alloc((count + 1) * PHDR_SIZE);
  image.copy(table, 0, from, from + count * PHDR_SIZE);
  const gap = Buffer.alloc(Number(pageUp(BigInt(image.length))) - image.length);
  const offset = BigInt(image.length + gap.length);
  const at = count * PHDR_SIZE;
  table.writeUInt32LE(c.PT_LOAD, at);
  table.writeUInt32LE(c.PF_R, at + 4);
  table.writeBigUInt64LE(offset, at + 8);
  table.writeBigUInt64LE(paddr, at + 16);
  table.writeBigUInt64LE(paddr, at + 24);
  table.writeBigUInt64LE(BigInt(data.length), at + 32);
  table.writeBigUInt64LE(BigInt(data.length), at + 40);
  table.writeBigUInt64LE(BigInt(PAGE), at + 48);
  const padding = Buffer.alloc((8 - (data.length % 8)) % 8);
  image.writeBigUInt64LE(offset + BigInt(data.length + padding.length), EHDR_PHOFF);
  image.writeUInt16LE(count + 1, EHDR_PHNUM);
  return Buffer.concat([image, gap, data, padding, table]);
}

function pageUp(address: bigint): bigint {
  return (address + BigInt(PAGE - 1)) & -BigInt(PAGE);
}
