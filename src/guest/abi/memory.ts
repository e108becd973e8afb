// xen/include/public/memory.h, Xen 4.17.

export const XENMEM_add_to_physmap: u32 = 7;
export const XENMAPSPACE_shared_info: u32 = 0;
export const XENMAPSPACE_grant_table: u32 = 1;

/** XENMEM_add_to_physmap. `gpfn` is where the frame shall appear. */
@unmanaged export class xen_add_to_physmap {
  domid: u16;
  size: u16;
  space: u32;
  idx: u64;
  gpfn: u64;
}
