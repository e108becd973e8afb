// xen/include/public/hvm/dm_op.h, Xen 4.17; what is here is the same in 4.14 to 4.22.

export const __HYPERVISOR_dm_op: u32 = 41;

export const XEN_DMOP_set_isa_irq_level: u32 = 9;

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

@unmanaged
export class xen_dm_op_set_isa_irq_level {
  isa_irq: u8;
  level: u8;
}
