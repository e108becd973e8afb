// Several hypercalls by one: struct multicall_entry, xen/include/public/xen.h (4.17). The way into Xen and back costs more
// than most of what is done there.

import { ENOSYS } from "xenlet/raw/errno";
import { hypercall2 } from "xenlet/internal/intrinsics";
import { __HYPERVISOR_multicall } from "xenlet/raw/abi/xen";

/** u64 of an entry: op, result, args[6]. */
const ENTRY_WORDS: u32 = 8;
const RESULT: u32 = 1;
const ARGS: u32 = 2;

/** One batch. The structures that its calls' arguments point to must stay where they are until run() returns. */
export class Multicall {
  private entries: StaticArray<u64>;
  private count: u32 = 0;

  /** For `calls` at most. */
  constructor(calls: u32) {
    this.entries = new StaticArray<u64>(calls * ENTRY_WORDS);
  }

  /** The hypercall `op` with `cmd` and its argument; returns its number, for result(). */
  add(op: u32, cmd: u32, argument: usize): u32 {
    const at = this.count * ENTRY_WORDS;
    this.entries[at] = op;
    this.entries[at + ARGS] = cmd;
    this.entries[at + ARGS + 1] = argument;
    return this.count++;
  }

  /**
   * Makes them, in order; one that fails does not stop later ones. 0, or Xen's errno for all of it. Xen before 4.15
   * has no multicall for a PVH domain (hvm_hypercall_table, xen/arch/x86/hvm/hypercall.c): there they go one by one.
   */
  run(): i64 {
    const result = hypercall2(__HYPERVISOR_multicall, changetype<usize>(this.entries), this.count);
    if (result != -ENOSYS) return result;
    for (let at: u32 = 0; at < this.count * ENTRY_WORDS; at += ENTRY_WORDS)
      this.entries[at + RESULT] = hypercall2(
        <u32>this.entries[at],
        this.entries[at + ARGS],
        this.entries[at + ARGS + 1],
      );
    return 0;
  }

  /** What Xen returned for a call: 0, or a negative errno. */
  result(call: u32): i64 {
    return <i64>this.entries[call * ENTRY_WORDS + RESULT];
  }
}
