// A domain's grant table, version 1, entry by entry: what a kernel writes there, and what Xen does. The library's own
// (xenlet/grant) keeps the entries below 8 and the flags to itself.

import {
  grant_entry_v1,
  GTF_permit_access,
  GTF_reading,
  GTF_readonly,
  GTF_writing,
} from "xenlet/raw/abi/grant_table";
import { XENMAPSPACE_grant_table } from "xenlet/raw/abi/memory";
import { barrier, compare_exchange32, frame_of, load32, mapXenFrame, store32 } from "xenlet/raw/memory";

export class GrantTable {
  constructor(private at: usize) {}

  /** Its first frame, mapped over one of our pages. */
  static map(): GrantTable {
    return new GrantTable(mapXenFrame(XENMAPSPACE_grant_table, "XENMAPSPACE_grant_table"));
  }

  private entry(ref: u32): usize {
    return this.at + <usize>ref * offsetof<grant_entry_v1>();
  }

  /** Lets dom0 map guest frame `gfn`. */
  grantFrame(ref: u32, gfn: u64, readonly: bool = false): void {
    store32(this.entry(ref) + offsetof<grant_entry_v1>("frame"), <u32>gfn);
    barrier();
    store32(this.entry(ref), GTF_permit_access | (readonly ? GTF_readonly : 0));
  }

  grantPage(ref: u32, page: usize, readonly: bool = false): void {
    this.grantFrame(ref, frame_of(page), readonly);
  }

  /** GTF_*. */
  flags(ref: u32): u32 {
    return load32(this.entry(ref)) & 0xffff;
  }

  /** The guest's way of ending a grant: false, and nothing done, while Xen says that it is mapped. */
  end(ref: u32): bool {
    while (true) {
      const flags = load32(this.entry(ref));
      if ((flags & (GTF_reading | GTF_writing)) != 0) return false;
      if (compare_exchange32(this.entry(ref), flags, 0) == flags) return true;
    }
  }
}
