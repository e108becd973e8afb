// xen/include/public/grant_table.h, Xen 4.17: version 1.

export const GNTTABOP_map_grant_ref: u32 = 0;
export const GNTTABOP_unmap_grant_ref: u32 = 1;
export const GNTTABOP_query_size: u32 = 6;

export const GNTMAP_host_map: u32 = 2;
export const GNTMAP_readonly: u32 = 4;

export const GTF_permit_access: u32 = 1;
export const GTF_readonly: u32 = 4;
export const GTF_reading: u32 = 8;
export const GTF_writing: u32 = 16;

export const GNTTAB_RESERVED_CONSOLE: u32 = 0;
export const GNTTAB_RESERVED_XENSTORE: u32 = 1;
export const GNTTAB_NR_RESERVED_ENTRIES: u32 = 8;

/** GNTST_*, in `status`: negative for what could not be done. */
export const GNTST_okay: i16 = 0;

/** One entry of the table, in shared memory. */
@unmanaged
export class grant_entry_v1 {
  flags: u16;
  domid: u16;
  frame: u32;
}

/** GNTTABOP_query_size. */
@unmanaged
export class gnttab_query_size {
  dom: u16;
  _pad: u16;
  nr_frames: u32;
  max_nr_frames: u32;
  status: i16;
  _pad2: u16;
}

/** GNTTABOP_map_grant_ref. In PVH `host_addr` is a guest physical address. */
@unmanaged
export class gnttab_map_grant_ref {
  host_addr: u64;
  flags: u32;
  ref: u32;
  dom: u16;
  status: i16;
  handle: u32;
  dev_bus_addr: u64;
}

/** GNTTABOP_unmap_grant_ref. */
@unmanaged
export class gnttab_unmap_grant_ref {
  host_addr: u64;
  dev_bus_addr: u64;
  handle: u32;
  status: i16;
  _pad: u16;
}
