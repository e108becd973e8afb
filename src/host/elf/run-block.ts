// The run block: what a run gives its image apart from Xen's command line (boot/run_block.h has the format and the reader).
// It travels in the run's own copy of the image, as one more segment that every loader puts where the image's note says:
// so it is the same however the image is run, 64 KiB of any bytes, and the file on disk stays as it was built.

import { UserError } from "../base/errors.js";
import * as c from "./constants.js";
import { parseElf, type Elf } from "./elf.js";
import { findNote } from "./notes.js";
import { validatePvhImage } from "./pvh.js";

/** An argument, or a value: text is UTF-8 to the guest, bytes are what they are. Neither may have a NUL. */
export type Text = string | Uint8Array;

export interface Run {
  /** Of its records: 1 to 16 of 0-9 and a-z. Without one the guest writes no records and prints bare text. */
  nonce?: string;
  /** How it runs: one of the ways to run. */
  way?: string;
  /** What the program is called by: argv[0]. */
  name?: Text;
  /** argv from [1] on. Left out: the words of the command line. */
  arguments?: readonly Text[];
  /** The environment: NAME=VALUE each. */
  variables?: readonly Text[];
  /** 32 bytes of this run alone. */
  random?: Uint8Array;
  /** Where records go: "ring", which is read for them; "port", and text as well. Left out: text to the ring, the rest by the port. */
  records?: "ring" | "port";
  /** Requests for standard input are answered. */
  input?: boolean;
  /** For loaders that give an image none: libxl with a domain of type hvm. Left out: the one that the image has already. */
  cmdline?: string;
  /** A boot module, likewise. */
  module?: Uint8Array | undefined;
}

const OWNER = "xenlet";
/** XENLET_ELFNOTE_RUN, boot/layout.h; struct run_note, boot/run_block.h. */
const NOTE_TYPE = 2;
const NOTE_ROOM = 8;
const NOTE_SIZE = 12;

/** struct run_block, boot/run_block.h. */
const MAGIC = 0x016e75726c6e6578n;
const HEADER_SIZE = 144;
const AT = {
  size: 8,
  flags: 12,
  nonce: 16,
  way: 40,
  random: 48,
  arguments: 92,
  variables: 96,
  strings: 100,
  cmdline: 104,
  modulePaddr: 112,
  moduleSize: 120,
} as const;
const NONCE_SIZE = 24;
const WAY_SIZE = 8;
const RANDOM_SIZE = 32;
const FLAGS = { arguments: 1, port: 8, input: 16, random: 32, ring: 64 } as const;

/** Of all arguments and variables, each with a byte for its end. */
export const MAX_STRINGS = 64 * 1024;
/** What boot code keeps of a command line (MAX_CMDLINE, boot/boot.h), less the NUL. */
export const MAX_OWN_CMDLINE = 2047;

/** Throws a UserError for arguments or variables that a guest cannot be given. */
export function checkStrings({ name = "", arguments: words = [], variables = [] }: Run): void {
  for (const [index, word] of words.entries())
    if (bytesOf(word).includes(0))
      throw new UserError(`argument ${index + 1} contains a NUL, which ends an argument`);
  for (const variable of variables) {
    const bytes = bytesOf(variable);
    if (bytes.includes(0)) throw new UserError("an environment variable contains a NUL");
    if (bytes.indexOf("=".charCodeAt(0)) < 1)
      throw new UserError(
        `the variable is ${JSON.stringify(bytes.toString())}, expected NAME=VALUE`,
      );
  }
  const size = strings([name, ...words, ...variables]).length;
  if (size > MAX_STRINGS)
    throw new UserError(
      `arguments and environment take ${size} bytes, including a NUL after each; the limit is ${MAX_STRINGS}`,
    );
}

/** Whether there is a place for a run block in an image: those built by xenlet have one. */
export function takesRunBlock(elf: Elf): boolean {
  return elf.class === 64 && findNote(elf, OWNER, NOTE_TYPE) !== undefined;
}

/**
 * A copy of an image that gives it what `run` says. Throws an ElfError for an image without a place for it, and a
 * UserError for what does not fit there.
 */
export function withRunBlock(image: Uint8Array, run: Run): Buffer {
  checkStrings(run);
  const elf = parseElf(image);
  const note = findNote(elf, OWNER, NOTE_TYPE);
  if (note === undefined || !takesRunBlock(elf))
    return elf.bytes.fail("it has no run-block note: only images built by xenlet have one");
  const copy = Buffer.from(image);
  const paddr = copy.readBigUInt64LE(note.offset);
  const before = elf.segments.find(
    (segment) => segment.type === c.PT_LOAD && segment.paddr === paddr,
  );
  const table = new SegmentTable(copy);
  const block = encodeRunBlock(
    run,
    before === undefined ? undefined : copy.subarray(before.offset),
  );
  if (run.module !== undefined && run.module.length > 0) {
    const place = pageUp(validatePvhImage(elf).end);
    block.writeBigUInt64LE(place, AT.modulePaddr);
    block.writeBigUInt64LE(BigInt(run.module.length), AT.moduleSize);
    table.add(place, run.module);
  }
  if (block.length > copy.readUInt32LE(note.offset + NOTE_ROOM))
    elf.bytes.fail(`it has room for ${copy.readUInt32LE(note.offset + NOTE_ROOM)} bytes only`);
  copy.writeUInt32LE(block.length, note.offset + NOTE_SIZE);
  table.add(paddr, block, before?.index);
  return table.image();
}

/** The block's bytes; `before`: the one that the image has already. */
export function encodeRunBlock(run: Run, before?: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_SIZE);
  const { name, arguments: words, variables = [], random } = run;
  if (random !== undefined && random.length !== RANDOM_SIZE)
    throw new RangeError(`${random.length} random bytes, expected ${RANDOM_SIZE}`);
  const argv = name === undefined ? [] : [name, ...(words ?? [])];
  const text = strings([...argv, ...variables]);
  const cmdline =
    run.cmdline === undefined ? ownCmdline(before) : Buffer.from(`${run.cmdline}\0`, "utf8");
  if (cmdline.length > MAX_OWN_CMDLINE + 1)
    throw new UserError(
      `the command line has ${cmdline.length - 1} bytes, an image has room for ${MAX_OWN_CMDLINE}`,
    );
  header.writeBigUInt64LE(MAGIC, 0);
  header.writeUInt32LE(HEADER_SIZE + text.length + cmdline.length, AT.size);
  header.writeUInt32LE(
    (name !== undefined && words !== undefined ? FLAGS.arguments : 0) |
      (run.records === undefined ? 0 : FLAGS[run.records]) |
      (run.input === true ? FLAGS.input : 0) |
      (random === undefined ? 0 : FLAGS.random),
    AT.flags,
  );
  header.write((run.nonce ?? "").slice(0, NONCE_SIZE - 1), AT.nonce, "latin1");
  header.write((run.way ?? "").slice(0, WAY_SIZE - 1), AT.way, "latin1");
  if (random !== undefined) Buffer.from(random).copy(header, AT.random);
  header.writeUInt32LE(argv.length, AT.arguments);
  header.writeUInt32LE(variables.length, AT.variables);
  header.writeUInt32LE(HEADER_SIZE, AT.strings);
  header.writeUInt32LE(cmdline.length > 0 ? HEADER_SIZE + text.length : 0, AT.cmdline);
  before?.copy(header, AT.modulePaddr, AT.modulePaddr, AT.moduleSize + 8);
  return Buffer.concat([header, text, cmdline]);
}

/** With its NUL; empty if the block has none. */
function ownCmdline(block: Buffer | undefined): Buffer {
  const at = block?.readUInt32LE(AT.cmdline) ?? 0;
  if (block === undefined || at === 0) return Buffer.alloc(0);
  return Buffer.from(block.subarray(at, block.indexOf(0, at) + 1));
}

function strings(all: readonly Text[]): Buffer {
  return Buffer.concat(all.flatMap((text) => [bytesOf(text), Buffer.alloc(1)]));
}

function bytesOf(text: Text): Buffer {
  return Buffer.from(text as Uint8Array);
}

const EHDR_PHOFF = 32;
const EHDR_PHNUM = 56;
const PHDR_SIZE = 56;
const PAGE = 4096;

/** An image with more segments: their bytes go to the file's end, and the table behind them, where it has room. */
class SegmentTable {
  readonly #headers: Buffer[] = [];
  readonly #parts: Buffer[];
  #size: number;

  constructor(image: Buffer) {
    const from = Number(image.readBigUInt64LE(EHDR_PHOFF));
    for (let index = 0; index < image.readUInt16LE(EHDR_PHNUM); index++)
      this.#headers.push(
        Buffer.from(image.subarray(from + index * PHDR_SIZE, from + (index + 1) * PHDR_SIZE)),
      );
    this.#parts = [image];
    this.#size = image.length;
  }

  /** A segment with these bytes at that physical address; in the place of segment `index`, if one is named. */
  add(paddr: bigint, data: Uint8Array, index = this.#headers.length): void {
    this.#pad(PAGE);
    const header = Buffer.alloc(PHDR_SIZE);
    header.writeUInt32LE(c.PT_LOAD, 0);
    header.writeUInt32LE(c.PF_R, 4);
    header.writeBigUInt64LE(BigInt(this.#size), 8);
    header.writeBigUInt64LE(paddr, 16);
    header.writeBigUInt64LE(paddr, 24);
    header.writeBigUInt64LE(BigInt(data.length), 32);
    header.writeBigUInt64LE(BigInt(data.length), 40);
    header.writeBigUInt64LE(BigInt(PAGE), 48);
    this.#headers[index] = header;
    this.#append(Buffer.from(data));
  }

  image(): Buffer {
    this.#pad(8);
    const [image] = this.#parts;
    image?.writeBigUInt64LE(BigInt(this.#size), EHDR_PHOFF);
    image?.writeUInt16LE(this.#headers.length, EHDR_PHNUM);
    return Buffer.concat([...this.#parts, ...this.#headers]);
  }

  #pad(alignment: number): void {
    this.#append(Buffer.alloc((alignment - (this.#size % alignment)) % alignment));
  }

  #append(bytes: Buffer): void {
    this.#parts.push(bytes);
    this.#size += bytes.length;
  }
}

function pageUp(address: bigint): bigint {
  return (address + BigInt(PAGE - 1)) & -BigInt(PAGE);
}
