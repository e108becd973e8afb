// Frames of Xen's that a guest asks for: shared_info, the grant table.

import { checked, memory_op } from "./hypercall";
import { frame_of, shared_alloc } from "./intrinsics";
import { XENMEM_add_to_physmap, xen_add_to_physmap } from "./abi/memory";
import { DOMID_SELF } from "./abi/xen";

const argument = changetype<xen_add_to_physmap>(memory.data(offsetof<xen_add_to_physmap>(), 8));

/**
 * Puts frame 0 of XENMAPSPACE_* `space` where a page of ours is, and returns its address; with `page` given,
 * there again. `name` is for the message if Xen refuses, which ends the guest.
 *
 * The RAM under it goes back to Xen for as long as Xen's frame is there (xen/arch/x86/mm/p2m.c), so it is a page
 * that nothing else uses.
 */
export function mapXenFrame(space: u32, name: string, page: usize = 0): usize {
  if (page == 0) page = shared_alloc(1);
  if (page == 0) throw new Error("no page frame left for " + name);
  argument.domid = DOMID_SELF;
  argument.space = space;
  argument.idx = 0;
  argument.gpfn = frame_of(page);
  checked(
    "XENMEM_add_to_physmap(" + name + ")",
    memory_op(XENMEM_add_to_physmap, changetype<usize>(argument)),
  );
  return page;
}
