// The run block: what this run of the image was given beside its command line. Boot code has checked it (boot/run_block.c).

import { BootData, bootData, harnessValue } from "./start-info";

/** struct run_block of boot/run_block.h; all that it points to follows. */
@unmanaged
export class run_block {
  magic: u64;
  size: u32;
  flags: u32;
  nonce0: u64;
  nonce1: u64;
  nonce2: u64;
  way: u64;
  random0: u64;
  random1: u64;
  random2: u64;
  random3: u64;
  sequence0: u64;
  sequence1: u32;
  arguments: u32;
  variables: u32;
  strings: u32;
  cmdline: u32;
  reserved: u32;
  module_paddr: u64;
  module_size: u64;
  crash_info: u64;
  reserved2: u64;
}

export const RUN_BLOCK_MAGIC: u64 = 0x016e75726c6e6578;
export const RUN_ARGUMENTS: u32 = 1;
export const RUN_QUIET: u32 = 2;
export const RUN_JUMPED: u32 = 4;
export const RUN_RANDOM: u32 = 32;

export const NONCE_OFFSET: usize = offsetof<run_block>("nonce0");
export const NONCE_SIZE: usize = 24;
const WAY_OFFSET: usize = offsetof<run_block>("way");
const WAY_SIZE: usize = 8;

/** All of it, copied; empty: this run was given none. */
export function ownRunBlock(): StaticArray<u8> {
  return bootData(BootData.RUN_BLOCK);
}

/** A field that is text, up to its NUL. */
function textAt(offset: usize, size: usize): string {
  const block = ownRunBlock();
  if (block.length == 0) return "";
  return String.UTF8.decodeUnsafe(changetype<usize>(block) + offset, size, true);
}

/** Of this kernel's records; empty: they are not read. */
export function recordNonce(): string {
  const nonce = textAt(NONCE_OFFSET, NONCE_SIZE);
  return nonce.length > 0 ? nonce : harnessValue("nonce");
}

/** How this kernel runs: domu, dom0, xl or xl-hvm; empty if unknown. */
export function wayToRun(): string {
  const way = textAt(WAY_OFFSET, WAY_SIZE);
  return way.length > 0 ? way : harnessValue("on");
}

/** Physical address of what a guest that crashed has left to this kernel; 0: it was not started by a crash. */
export function crashInfo(): u64 {
  const block = ownRunBlock();
  if (block.length > 0) return changetype<run_block>(changetype<usize>(block)).crash_info;
  return <u64>U64.parseInt(harnessValue("crash", "0x0").substring(2), 16);
}
