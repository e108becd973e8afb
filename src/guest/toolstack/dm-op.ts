// Device model operations, of which a toolstack without a device model needs one: raising an interrupt of a device
// that somebody emulates for a domain.

import { hypercall3 } from "xenlet/internal/intrinsics";
import {
  XEN_DMOP_set_isa_irq_level,
  __HYPERVISOR_dm_op,
  xen_dm_op,
  xen_dm_op_buf,
  xen_dm_op_set_isa_irq_level,
} from "xenlet/raw/abi/dm_op";

/** struct xen_dm_op may be shorter than Xen's own: its head, and as much as the operation has. */
const SIZE: i32 = 64;
const op: usize = memory.data(SIZE, 8);
const bufs = changetype<xen_dm_op_buf>(memory.data(offsetof<xen_dm_op_buf>(), 8));

/** Sets ISA interrupt line `irq` (0..15) of domain `domid`, an HVM container with emulated devices. Xen's errno, or 0. */
export function setIsaIrqLevel(domid: u16, irq: u8, level: u8): i64 {
  memory.fill(op, 0, SIZE);
  changetype<xen_dm_op>(op).op = XEN_DMOP_set_isa_irq_level;
  const u = changetype<xen_dm_op_set_isa_irq_level>(op + offsetof<xen_dm_op>());
  u.isa_irq = irq;
  u.level = level;
  bufs.h = op;
  bufs.size = SIZE;
  return hypercall3(__HYPERVISOR_dm_op, domid, 1, changetype<usize>(bufs));
}
