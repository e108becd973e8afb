// What a kernel passes to the next one besides its command line: the run block (boot/run_block.h), with records that go on
// where this kernel's end, random bytes of its own, and the same arguments and environment unless it is given others.

import { random_bytes } from "../intrinsics";
import {
  NONCE_OFFSET,
  NONCE_SIZE,
  RUN_ARGUMENTS,
  RUN_BLOCK_MAGIC,
  RUN_JUMPED,
  RUN_QUIET,
  RUN_RANDOM,
  ownRunBlock,
  recordNonce,
  run_block,
} from "../start/run";

/** Where the jump writes the number of the next record, in decimal: an offset in the block. */
export const SEQUENCE_OFFSET: u64 = offsetof<run_block>("sequence0");
/** Where the block has its own size. */
export const RUN_BLOCK_SIZE_OFFSET: usize = offsetof<run_block>("size");
const HEADER_SIZE: i32 = offsetof<run_block>();
const SEQUENCE_SIZE = 12;
const RANDOM_SIZE = 32;

/** The offset behind `count` strings from `at` on. Boot code has seen that they end. */
function behind(block: StaticArray<u8>, at: u32, count: u32): u32 {
  for (; count > 0; count--) {
    while (block[at] != 0) at++;
    at++;
  }
  return at;
}

/** With its NUL. */
function bytesOf(text: string): StaticArray<u8> {
  const bytes = new StaticArray<u8>(String.UTF8.byteLength(text, true));
  String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, changetype<usize>(bytes), true);
  return bytes;
}

/** What goes into a run block beside what this kernel's own has. */
export class Handed {
  /** The next kernel's records continue this one's. */
  records: bool = true;
  quiet: bool = false;
  /** Null: what this kernel was given apart from its command line. */
  arguments: Array<string> | null = null;
  crashInfo: u64 = 0;
}

/** The next kernel's block. */
export function nextRunBlock(handed: Handed): StaticArray<u8> {
  let own = ownRunBlock();
  if (own.length == 0) own = emptyBlock();
  const before = changetype<run_block>(changetype<usize>(own));
  const words = handed.arguments;
  const kept = words != null ? min<u32>(before.arguments, 1) : before.arguments;
  let strings = own.slice<StaticArray<u8>>(before.strings, behind(own, before.strings, kept));
  if (words != null) {
    if (kept == 0) strings = strings.concat<StaticArray<u8>>(bytesOf("guest"));
    for (let i = 0; i < words.length; i++) strings = strings.concat<StaticArray<u8>>(bytesOf(words[i]));
  }
  const variables = behind(own, before.strings, before.arguments);
  strings = strings.concat<StaticArray<u8>>(
    own.slice<StaticArray<u8>>(variables, behind(own, variables, before.variables)),
  );

  const block = own.slice<StaticArray<u8>>(0, HEADER_SIZE).concat<StaticArray<u8>>(strings);
  const at = changetype<usize>(block);
  const next = changetype<run_block>(at);
  next.size = block.length;
  next.flags = (next.flags & ~(RUN_QUIET | RUN_JUMPED)) | RUN_RANDOM;
  if (handed.records) next.flags |= RUN_JUMPED;
  if (handed.quiet) next.flags |= RUN_QUIET;
  if (words != null) {
    next.flags |= RUN_ARGUMENTS;
    next.arguments = 1 + words.length;
  }
  memory.fill(at + NONCE_OFFSET, 0, NONCE_SIZE);
  const nonce = handed.records ? bytesOf(recordNonce()) : bytesOf("");
  memory.copy(at + NONCE_OFFSET, changetype<usize>(nonce), min(nonce.length, NONCE_SIZE - 1));
  memory.fill(at + <usize>SEQUENCE_OFFSET, 0, SEQUENCE_SIZE);
  random_bytes(at + offsetof<run_block>("random0"), RANDOM_SIZE);
  next.strings = HEADER_SIZE;
  next.cmdline = 0;
  next.module_paddr = 0;
  next.module_size = 0;
  next.crash_info = handed.crashInfo;
  return block;
}

function emptyBlock(): StaticArray<u8> {
  const block = new StaticArray<u8>(HEADER_SIZE);
  const header = changetype<run_block>(changetype<usize>(block));
  header.magic = RUN_BLOCK_MAGIC;
  header.strings = HEADER_SIZE;
  return block;
}
