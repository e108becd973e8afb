// xen/include/public/hvm/dm_op.h, Xen 4.17; what is here is the same in 4.14 to 4.22.

export const __HYPERVISOR_dm_op: u32 = 41;

export const XEN_DMOP_create_ioreq_server: u32 = 1;
export const XEN_DMOP_get_ioreq_server_info: u32 = 2;
export const XEN_DMOP_map_io_range_to_ioreq_server: u32 = 3;
export const XEN_DMOP_set_ioreq_server_state: u32 = 5;
export const XEN_DMOP_destroy_ioreq_server: u32 = 6;
export const XEN_DMOP_set_isa_irq_level: u32 = 9;
/** xen_dm_op_get_ioreq_server_info.flags: the frames are not asked for, and not allocated. */
export const XEN_DMOP_no_gfns: u16 = 1;

/** xen_dm_op_ioreq_server_range.type. */
export const XEN_DMOP_IO_RANGE_PORT: u32 = 0;

/** One argument of the hypercall: the first one is a struct xen_dm_op. */
@unmanaged export class xen_dm_op_buf {
  h: u64;
  size: u64;
}

/** The head; the operation's own structure follows at `u`. */
@unmanaged
export class xen_dm_op {
  op: u32;
  pad: u32;
}

/** `id` out. */
@unmanaged
export class xen_dm_op_create_ioreq_server {
  handle_bufioreq: u8;
  _pad0: u8;
  _pad1: u8;
  _pad2: u8;
  id: u16;
}

@unmanaged
export class xen_dm_op_get_ioreq_server_info {
  id: u16;
  flags: u16;
  bufioreq_port: u32;
  ioreq_gfn: u64;
  bufioreq_gfn: u64;
}

/** From `start` to `end`, both included. */
@unmanaged
export class xen_dm_op_ioreq_server_range {
  id: u16;
  pad: u16;
  type: u32;
  start: u64;
  end: u64;
}

@unmanaged
export class xen_dm_op_set_ioreq_server_state {
  id: u16;
  enabled: u8;
  pad: u8;
}

@unmanaged
export class xen_dm_op_destroy_ioreq_server {
  id: u16;
  pad: u16;
}

@unmanaged
export class xen_dm_op_set_isa_irq_level {
  isa_irq: u8;
  level: u8;
}
