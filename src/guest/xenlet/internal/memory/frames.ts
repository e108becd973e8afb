// Frames of Xen's that a guest asks for: shared_info, the grant table.

import { checked, memory_op } from "../../raw/hypercall";
import { frame_of, shared_alloc } from "../intrinsics";
import {
  XENMEM_add_to_physmap,
  XENMEM_populate_physmap,
  XENMEM_remove_from_physmap,
  xen_add_to_physmap,
  xen_memory_reservation,
  xen_remove_from_physmap,
} from "../../raw/abi/memory";
import { DOMID_SELF } from "../../raw/abi/xen";
import { ENOMEM } from "../../raw/errno";

const argument = changetype<xen_add_to_physmap>(memory.data(offsetof<xen_add_to_physmap>(), 8));

/**
 * Maps frame 0 of XENMAPSPACE_* `space` over one of the guest's pages, and returns its address; with `page` given,
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

@lazy const removal = changetype<xen_remove_from_physmap>(
  memory.data(offsetof<xen_remove_from_physmap>(), 8),
);
@lazy const reservation = changetype<xen_memory_reservation>(
  memory.data(offsetof<xen_memory_reservation>(), 8),
);
@lazy const extent: usize = memory.data(sizeof<u64>(), 8);

/**
 * Makes `page`, where mapXenFrame() put a frame of Xen's, ordinary RAM again, of unknown contents: the page that Xen
 * took then comes back. 0; -ENOMEM, or another errno of Xen's, and then it is as it was.
 */
export function unmapXenFrame(space: u32, name: string, page: usize): i64 {
  const gfn = frame_of(page);
  removal.domid = DOMID_SELF;
  removal.gpfn = gfn;
  const removed = memory_op(XENMEM_remove_from_physmap, changetype<usize>(removal));
  if (removed != 0) return removed;
  store<u64>(extent, gfn);
  reservation.extent_start = extent;
  reservation.nr_extents = 1;
  reservation.extent_order = 0;
  reservation.mem_flags = 0;
  reservation.domid = DOMID_SELF;
  /* The number of extents that it did, or an errno. */
  const populated = memory_op(XENMEM_populate_physmap, changetype<usize>(reservation));
  if (populated == 1) return 0;
  mapXenFrame(space, name, page);
  return populated < 0 ? populated : -ENOMEM;
}
