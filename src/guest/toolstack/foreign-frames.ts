// Frames of another domain, mapped here: XENMEM_add_to_physmap_batch with XENMAPSPACE_gmfn_foreign, which the
// hardware domain may on any domain (xen/arch/x86/mm/p2m.c, p2m_add_foreign, 4.17).
//
// Each needs one of our guest frame numbers to appear at. Those are RAM once: the first mapping gives the page
// under it back to Xen, and from then on the number is a hole, free to be mapped over again. A hole must not be
// touched: nothing is mapped there.
//
// A domain that is destroyed while one of its frames is mapped here stays a zombie until the frame is unmapped.

import { memory_op } from "xenlet/raw/hypercall";
import { frame_of, shared_alloc } from "xenlet/internal/intrinsics";
import { describeResult } from "xenlet/raw/errno";
import {
  XENMAPSPACE_gmfn_foreign,
  XENMEM_add_to_physmap_batch,
  XENMEM_decrease_reservation,
  XENMEM_remove_from_physmap,
  xen_add_to_physmap_batch,
  xen_memory_reservation,
  xen_remove_from_physmap,
} from "xenlet/raw/abi/memory";
import { DOMID_SELF } from "xenlet/raw/abi/xen";

/** In bytes. */
export const PAGE_SIZE: u32 = 4096;

/** Frames that window() maps at once. */
export const WINDOW_FRAMES: u32 = 64;

const batch = changetype<xen_add_to_physmap_batch>(memory.data(offsetof<xen_add_to_physmap_batch>(), 8));
const removal = changetype<xen_remove_from_physmap>(memory.data(offsetof<xen_remove_from_physmap>(), 8));
const reservation = changetype<xen_memory_reservation>(memory.data(offsetof<xen_memory_reservation>(), 8));
const idxs: usize = memory.data(WINDOW_FRAMES * sizeof<u64>(), 8);
const gpfns: usize = memory.data(WINDOW_FRAMES * sizeof<u64>(), 8);
const errs: usize = memory.data(WINDOW_FRAMES * sizeof<i32>(), 4);

/** Maps `count` (1..WINDOW_FRAMES) frames of `domid` from `gfn` on at `at`. 0, or the first frame's errno that is not. */
function mapAt(at: usize, domid: u16, gfn: u64, count: u32): i64 {
  for (let i: u32 = 0; i < count; i++) {
    store<u64>(idxs + i * sizeof<u64>(), gfn + i);
    store<u64>(gpfns + i * sizeof<u64>(), frame_of(at + i * PAGE_SIZE));
    store<i32>(errs + i * sizeof<i32>(), 0);
  }
  batch.domid = DOMID_SELF;
  batch.space = <u16>XENMAPSPACE_gmfn_foreign;
  batch.size = <u16>count;
  batch.u = domid;
  batch.idxs = idxs;
  batch.gpfns = gpfns;
  batch.errs = errs;
  const result = memory_op(XENMEM_add_to_physmap_batch, changetype<usize>(batch));
  if (result < 0) return result;
  for (let i: u32 = 0; i < count; i++) {
    const error = load<i32>(errs + i * sizeof<i32>());
    if (error != 0) return error;
  }
  return 0;
}

function unmapAt(at: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    removal.domid = DOMID_SELF;
    removal.gpfn = frame_of(at + i * PAGE_SIZE);
    memory_op(XENMEM_remove_from_physmap, changetype<usize>(removal));
  }
}

/** Places for single frames that were mapped once, and are holes now. */
/* Made at its first use: asc drops a lazy global's own initializer where only overriding methods use it. */
@lazy let holesMade: Array<usize> | null = null;

function holes(): Array<usize> {
  let made = holesMade;
  if (!made) holesMade = made = [];
  return made;
}

/** A page number without RAM: what Xen maps there leaves no RAM unreachable. */
export function takeHole(): usize {
  if (holes().length > 0) return holes().pop();
  const at = shared_alloc(1);
  if (at == 0) throw new Error("no page frame left to map a domain's frame at");
  store<u64>(idxs, frame_of(at));
  reservation.extent_start = idxs;
  reservation.nr_extents = 1;
  reservation.extent_order = 0;
  reservation.mem_flags = 0;
  reservation.domid = DOMID_SELF;
  const result = memory_op(XENMEM_decrease_reservation, changetype<usize>(reservation));
  if (result != 1) throw new Error("XENMEM_decrease_reservation = " + describeResult(result));
  return at;
}

/** Nothing is mapped there any more. */
export function giveHole(at: usize): void {
  holes().push(at);
}

/** Where frame `gfn` of `domid` is mapped from now on. Ends the toolstack if Xen will not: the domain has no such frame. */
export function mapFrame(domid: u16, gfn: u64): usize {
  const at = holes().length > 0 ? holes().pop() : shared_alloc(1);
  if (at == 0) throw new Error("no page frame left to map a domain's frame at");
  const result = mapAt(at, domid, gfn, 1);
  if (result < 0)
    throw new Error(
      "XENMEM_add_to_physmap_batch(gmfn_foreign, d" +
        domid.toString() +
        ", 0x" +
        gfn.toString(16) +
        ") = " +
        describeResult(result),
    );
  return at;
}

/** Unmaps what mapFrame() mapped at `at`, which may not be touched from then on. */
export function unmapFrame(at: usize): void {
  unmapAt(at, 1);
  holes().push(at);
}

let windowBase: usize = 0;

/**
 * Calls `use` with each stretch of guest physical [from, from + size) of `domid`, in order: where it is mapped,
 * its first byte's guest physical address, and how many bytes it has. Ends the toolstack where there is no RAM.
 */
export function throughWindow<T>(
  domid: u16,
  from: u64,
  size: u64,
  context: T,
  use: (context: T, at: usize, paddr: u64, size: u32) => void,
): void {
  if (windowBase == 0) windowBase = shared_alloc(WINDOW_FRAMES);
  if (windowBase == 0) throw new Error("no page frames left for the window on a domain's memory");
  const end = from + size;
  for (let paddr = from; paddr < end;) {
    const first = paddr >> 12;
    const count = <u32>min<u64>(((end + 4095) >> 12) - first, WINDOW_FRAMES);
    const chunk = <u32>(min<u64>(end, (first + count) << 12) - paddr);
    const result = mapAt(windowBase, domid, first, count);
    if (result < 0)
      throw new Error(
        "guest physical 0x" +
          paddr.toString(16) +
          " of d" +
          domid.toString() +
          " cannot be mapped: " +
          describeResult(result),
      );
    use(context, windowBase + <usize>(paddr & 4095), paddr, chunk);
    unmapAt(windowBase, count);
    paddr += chunk;
  }
}
