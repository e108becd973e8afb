// A frame that a domain has granted us, mapped here: GNTTABOP_map_grant_ref, xen/common/grant_table.c. Unlike a
// foreign mapping (foreign.ts) it is by the domain's leave, which the domain cannot take back while it lasts.

import { checked, grant_table_op } from "xenlet/raw/hypercall";
import { frame_of } from "xenlet/internal/intrinsics";
import {
  GNTMAP_host_map,
  GNTMAP_readonly,
  GNTST_okay,
  GNTTABOP_map_grant_ref,
  GNTTABOP_unmap_grant_ref,
  gnttab_map_grant_ref,
  gnttab_unmap_grant_ref,
} from "xenlet/raw/abi/grant_table";
import { giveHole, takeHole } from "./foreign-frames";

const mapArgument = changetype<gnttab_map_grant_ref>(memory.data(offsetof<gnttab_map_grant_ref>(), 8));
const unmapArgument = changetype<gnttab_unmap_grant_ref>(memory.data(offsetof<gnttab_unmap_grant_ref>(), 8));

/** A page that another domain granted, mapped here (GNTTABOP_map_grant_ref, grant_table.h). */
export class GrantMapping {
  private constructor(
    /** GNTST_okay, or why Xen would not, and then nothing is mapped. */
    readonly status: i32,
    /** Where it is mapped; 0: nowhere. */
    public at: usize,
    private handle: u32,
    /** The page's address in the machine, which a device knows it by. */
    readonly machine: u64,
  ) {}

  /** Maps grant `ref` of domain `domid`; `status` says whether Xen did. */
  static map(domid: u16, ref: u32, readonly: bool = false): GrantMapping {
    const at = takeHole();
    mapArgument.host_addr = frame_of(at) << 12;
    mapArgument.flags = GNTMAP_host_map | (readonly ? GNTMAP_readonly : 0);
    mapArgument.ref = ref;
    mapArgument.dom = domid;
    checked(
      "GNTTABOP_map_grant_ref",
      grant_table_op(GNTTABOP_map_grant_ref, changetype<usize>(mapArgument), 1),
    );
    if (mapArgument.status == GNTST_okay)
      return new GrantMapping(GNTST_okay, at, mapArgument.handle, mapArgument.dev_bus_addr);
    giveHole(at);
    return new GrantMapping(mapArgument.status, 0, 0, 0);
  }

  get isMapped(): bool {
    return this.at != 0;
  }

  /** GNTST_okay, or why Xen would not: a handle that it does not know. Nothing to be read at `at` afterwards. */
  unmap(): i32 {
    unmapArgument.host_addr = frame_of(this.at) << 12;
    unmapArgument.dev_bus_addr = 0;
    unmapArgument.handle = this.handle;
    checked(
      "GNTTABOP_unmap_grant_ref",
      grant_table_op(GNTTABOP_unmap_grant_ref, changetype<usize>(unmapArgument), 1),
    );
    if (unmapArgument.status == GNTST_okay) {
      giveHole(this.at);
      this.at = 0;
    }
    return unmapArgument.status;
  }
}
