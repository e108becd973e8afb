// The grant table, version 1: which frames which domain may map. xen/include/public/grant_table.h.

import { grant_table_op } from "./raw/hypercall";
import { mapXenFrame, unmapXenFrame } from "./internal/memory/frames";
import { barrier, compare_exchange32, load32, store32 } from "./internal/intrinsics";
import {
  GNTTABOP_query_size,
  GNTTAB_NR_RESERVED_ENTRIES,
  GTF_permit_access,
  GTF_readonly,
  GTF_reading,
  GTF_writing,
  gnttab_query_size,
  grant_entry_v1,
} from "./raw/abi/grant_table";
import { XENMAPSPACE_grant_table } from "./raw/abi/memory";
import { DOMID_SELF } from "./raw/abi/xen";
import { EBUSY } from "./raw/errno";
import { Part, PartOrder, addPart } from "./internal/reset/part";

/** One frame of the table: as many entries as this runtime uses. */
export const GRANT_ENTRIES: u32 = 4096 / <u32>offsetof<grant_entry_v1>();

const sizeArgument = changetype<gnttab_query_size>(memory.data(offsetof<gnttab_query_size>(), 8));

let table: usize = 0;
/** Where the search for a free entry continues. */
let next: u32 = GNTTAB_NR_RESERVED_ENTRIES;

/** Maps the table's first frame, once. What it held stays: entries outlive a kernel. */
function entry(ref: u32): usize {
  if (table == 0) {
    table = mapXenFrame(XENMAPSPACE_grant_table, "XENMAPSPACE_grant_table");
    addPart(new Grants());
  }
  return table + <usize>ref * offsetof<grant_entry_v1>();
}

/**
 * Grants before a soft reset, which ends none. Those that no domain has mapped are ended. One that another domain has
 * mapped stays, and is reported: after the reset the page is still this kernel's. Another kernel would have its memory
 * written to, so before a jump it is a refusal; and the table's frame goes out of the way, or the next kernel, which
 * maps it elsewhere, would find a hole here (xenmem_add_to_physmap_one, xen/arch/x86/mm/p2m.c).
 */
class Grants extends Part {
  private refs: Array<u32> = [];
  /** Of each entry: flags and domid, frame. */
  private flags: Array<u32> = [];
  private frames: Array<u32> = [];

  constructor() {
    super("grants", PartOrder.GRANTS);
  }

  run(): i64 {
    const active = grant.active();
    this.detail = active.length == 0 ? "" : "mapped by others: " + active.join(", ");
    if (this.jump && active.length > 0) return -EBUSY;
    for (let ref = GNTTAB_NR_RESERVED_ENTRIES; ref < GRANT_ENTRIES; ref++) {
      const flags = load32(entry(ref));
      if (flags == 0 || !grant.end(ref)) continue;
      this.refs.push(ref);
      this.flags.push(flags);
      this.frames.push(load32(entry(ref) + offsetof<grant_entry_v1>("frame")));
    }
    if (!this.jump) return 0;
    const result = unmapXenFrame(XENMAPSPACE_grant_table, "XENMAPSPACE_grant_table", table);
    if (result != 0) this.giveBack();
    return result;
  }

  undo(): void {
    if (this.jump) mapXenFrame(XENMAPSPACE_grant_table, "XENMAPSPACE_grant_table", table);
    this.giveBack();
  }

  private giveBack(): void {
    while (this.refs.length > 0) {
      const at = entry(this.refs.pop());
      store32(at + offsetof<grant_entry_v1>("frame"), this.frames.pop());
      barrier();
      store32(at, this.flags.pop());
    }
  }

  attached(): void {
    if (this.renewed) mapXenFrame(XENMAPSPACE_grant_table, "XENMAPSPACE_grant_table", table);
    this.refs = [];
    this.flags = [];
    this.frames = [];
  }
}

export namespace grant {
  /**
   * Lets domain `domid` map guest frame `gfn`. Returns the grant reference, 8..511 (those below are the
   * toolstack's), or -1 if every entry is in use.
   */
  export function access(domid: u16, gfn: u64, readonly: bool = false): i32 {
    for (let tries: u32 = GNTTAB_NR_RESERVED_ENTRIES; tries < GRANT_ENTRIES; tries++) {
      const ref = next;
      next = ref + 1 < GRANT_ENTRIES ? ref + 1 : GNTTAB_NR_RESERVED_ENTRIES;
      const at = entry(ref);
      if (load32(at) != 0) continue;
      store32(at + offsetof<grant_entry_v1>("frame"), <u32>gfn);
      /* Xen reads the frame once it sees the permission, so that comes last. */
      barrier();
      store32(at, GTF_permit_access | (readonly ? GTF_readonly : 0) | ((<u32>domid) << 16));
      return <i32>ref;
    }
    return -1;
  }

  /** Whether the other domain has the frame mapped right now. */
  export function inUse(ref: u32): bool {
    return (load32(entry(ref)) & (GTF_reading | GTF_writing)) != 0;
  }

  /**
   * Takes the permission back. False if the frame is mapped: then the permission stays, since taking it back
   * would not unmap it. One atomic step, or the other end could map it between the look and the taking.
   */
  export function end(ref: u32): bool {
    const at = entry(ref);
    while (true) {
      const flags = load32(at);
      if ((flags & (GTF_reading | GTF_writing)) != 0) return false;
      if (compare_exchange32(at, flags, 0) == flags) return true;
    }
  }

  /** Those in use by another domain, except the toolstack's own: they stay mapped over a soft reset. */
  export function active(): Array<u32> {
    const refs: Array<u32> = [];
    for (let ref = GNTTAB_NR_RESERVED_ENTRIES; ref < GRANT_ENTRIES; ref++) if (inUse(ref)) refs.push(ref);
    return refs;
  }

  /** Frames that the domain's table has, and may have: (have << 32) | may. Xen's negative errno if it refuses. */
  export function querySize(): i64 {
    sizeArgument.dom = DOMID_SELF;
    const result = grant_table_op(GNTTABOP_query_size, changetype<usize>(sizeArgument), 1);
    if (result < 0) return result;
    if (sizeArgument.status < 0) return sizeArgument.status;
    return ((<i64>sizeArgument.nr_frames) << 32) | sizeArgument.max_nr_frames;
  }
}
