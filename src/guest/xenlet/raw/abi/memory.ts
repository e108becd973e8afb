// xen/include/public/memory.h, Xen 4.17.

export const XENMEM_decrease_reservation: u32 = 1;
export const XENMEM_add_to_physmap: u32 = 7;
export const XENMEM_populate_physmap: u32 = 6;
export const XENMEM_set_memory_map: u32 = 13;
export const XENMEM_remove_from_physmap: u32 = 15;
export const XENMEM_add_to_physmap_batch: u32 = 23;
export const XENMEM_acquire_resource: u32 = 28;

/** xen_mem_acquire_resource.type, and the frame of a server's page for accesses that wait for an answer. */
export const XENMEM_resource_ioreq_server: u32 = 0;

export const XENMAPSPACE_shared_info: u32 = 0;
export const XENMAPSPACE_grant_table: u32 = 1;
export const XENMAPSPACE_gmfn_foreign: u32 = 4;

/** XENMEM_add_to_physmap. `gpfn` is where the frame shall appear. */
@unmanaged export class xen_add_to_physmap {
  domid: u16;
  size: u16;
  space: u32;
  idx: u64;
  gpfn: u64;
}

/** XENMEM_populate_physmap and _decrease_reservation: 2^extent_order frames from each gfn that `extent_start` lists. */
@unmanaged
export class xen_memory_reservation {
  extent_start: u64;
  nr_extents: u64;
  extent_order: u32;
  mem_flags: u32;
  domid: u16;
  _pad: u16;
  _pad1: u32;
}

/** XENMEM_add_to_physmap_batch: `u` is the domain whose frames they are, for XENMAPSPACE_gmfn_foreign. */
@unmanaged
export class xen_add_to_physmap_batch {
  domid: u16;
  space: u16;
  size: u16;
  u: u16;
  idxs: u64;
  gpfns: u64;
  errs: u64;
}

/** `buffer` has `nr_entries` of struct e820entry (xen/include/asm-x86/e820.h, packed): u64 addr, u64 size, u32 type. */
@unmanaged
export class xen_memory_map {
  nr_entries: u32;
  _pad: u32;
  buffer: u64;
}

/** XENMEM_set_memory_map: what XENMEM_memory_map then tells the domain. `map` is where a xen_memory_map begins. */
@unmanaged
export class xen_foreign_memory_map {
  domid: u16;
  _pad: u16;
  _pad1: u32;
  map: u64;
  _rest: u64;
}
export const E820ENTRY_SIZE: u32 = 20;

@unmanaged
export class xen_remove_from_physmap {
  domid: u16;
  gpfn: u64;
}

/** XENMEM_acquire_resource: `nr_frames` frames of a domain's resource from `frame` on appear at the frames that `frame_list` has. */
@unmanaged
export class xen_mem_acquire_resource {
  domid: u16;
  type: u16;
  id: u32;
  nr_frames: u32;
  pad: u32;
  frame: u64;
  frame_list: u64;
}
