// A frame that another domain granted, mapped here: what a backend does. xen/include/public/grant_table.h.

import { grant_table_op } from "xenlet/hypercall";
import { frame_of, shared_alloc } from "xenlet/intrinsics";
import { describeResult } from "xenlet/errno";
import {
  GNTMAP_host_map,
  GNTTABOP_map_grant_ref,
  GNTTABOP_unmap_grant_ref,
  gnttab_map_grant_ref,
  gnttab_unmap_grant_ref,
} from "xenlet/abi/grant_table";

const mapArgument = changetype<gnttab_map_grant_ref>(memory.data(offsetof<gnttab_map_grant_ref>(), 8));
const unmapArgument = changetype<gnttab_unmap_grant_ref>(memory.data(offsetof<gnttab_unmap_grant_ref>(), 8));

export class GrantMapping {
  private constructor(
    /** Where the frame is mapped. To be touched through the intrinsics, and not at all once it is unmapped. */
    readonly page: usize,
    private handle: u32,
  ) {}

  isMapped: bool = true;

  /**
   * Maps what domain `domid` granted us as `ref`, to be read and written. The RAM under the mapping goes back to Xen for good.
   * Ends the toolstack where Xen refuses: no such grant (GNTST_bad_gntref), or not for us.
   */
  static map(domid: u16, ref: u32): GrantMapping {
    const page = shared_alloc(1);
    if (page == 0) throw new Error("no page frame left to map a grant at");
    mapArgument.host_addr = frame_of(page) << 12;
    mapArgument.flags = GNTMAP_host_map;
    mapArgument.ref = ref;
    mapArgument.dom = domid;
    const result = grant_table_op(GNTTABOP_map_grant_ref, changetype<usize>(mapArgument), 1);
    if (result != 0 || mapArgument.status != 0)
      throw new Error(
        "GNTTABOP_map_grant_ref(d" +
          domid.toString() +
          ", " +
          ref.toString() +
          ") = " +
          describeResult(result) +
          ", status " +
          mapArgument.status.toString(),
      );
    return new GrantMapping(page, mapArgument.handle);
  }

  /** Gives it back: the granting domain can end the grant from now on. Once. Xen's errno, or 0. */
  unmap(): i64 {
    unmapArgument.host_addr = frame_of(this.page) << 12;
    unmapArgument.dev_bus_addr = 0;
    unmapArgument.handle = this.handle;
    this.isMapped = false;
    const result = grant_table_op(GNTTABOP_unmap_grant_ref, changetype<usize>(unmapArgument), 1);
    return result != 0 ? result : unmapArgument.status;
  }
}
