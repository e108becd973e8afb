// Device model operations, of which a toolstack without a device model needs few: raising an interrupt of an emulated
// device, and an ioreq server, which is what Xen knows of a device model.

import { hypercall3 } from "xenlet/internal/intrinsics";
import {
  XEN_DMOP_create_ioreq_server,
  XEN_DMOP_destroy_ioreq_server,
  XEN_DMOP_get_ioreq_server_info,
  XEN_DMOP_no_gfns,
  XEN_DMOP_set_isa_irq_level,
  __HYPERVISOR_dm_op,
  xen_dm_op,
  xen_dm_op_buf,
  xen_dm_op_create_ioreq_server,
  xen_dm_op_destroy_ioreq_server,
  xen_dm_op_get_ioreq_server_info,
  xen_dm_op_set_isa_irq_level,
} from "xenlet/raw/abi/dm_op";

/** struct xen_dm_op may be shorter than Xen's own: its head, and as much as the operation has. */
const SIZE: i32 = 64;
const op: usize = memory.data(SIZE, 8);
const bufs = changetype<xen_dm_op_buf>(memory.data(offsetof<xen_dm_op_buf>(), 8));

/** Makes the call that `op` is filled with, but for its number. Xen's errno, or 0. */
function call(domid: u16, number: u32): i64 {
  changetype<xen_dm_op>(op).op = number;
  bufs.h = op;
  bufs.size = SIZE;
  return hypercall3(__HYPERVISOR_dm_op, domid, 1, changetype<usize>(bufs));
}

/** Makes Xen send accesses to emulated devices of domain `domid` to us, none so far: the server's number, or Xen's errno. It has a port on each vCPU. */
export function createIoreqServer(domid: u16): i64 {
  memory.fill(op, 0, SIZE);
  const u = changetype<xen_dm_op_create_ioreq_server>(op + offsetof<xen_dm_op>());
  const result = call(domid, XEN_DMOP_create_ioreq_server);
  return result < 0 ? result : u.id;
}

/** Whether there is that server: 0, or -ENOENT. */
export function ioreqServerStatus(domid: u16, id: u16): i64 {
  memory.fill(op, 0, SIZE);
  const u = changetype<xen_dm_op_get_ioreq_server_info>(op + offsetof<xen_dm_op>());
  u.id = id;
  u.flags = XEN_DMOP_no_gfns;
  return call(domid, XEN_DMOP_get_ioreq_server_info);
}

export function destroyIoreqServer(domid: u16, id: u16): i64 {
  memory.fill(op, 0, SIZE);
  changetype<xen_dm_op_destroy_ioreq_server>(op + offsetof<xen_dm_op>()).id = id;
  return call(domid, XEN_DMOP_destroy_ioreq_server);
}

/** Sets ISA interrupt line `irq` (0..15) of domain `domid`, an HVM container with emulated devices. Xen's errno, or 0. */
export function setIsaIrqLevel(domid: u16, irq: u8, level: u8): i64 {
  memory.fill(op, 0, SIZE);
  const u = changetype<xen_dm_op_set_isa_irq_level>(op + offsetof<xen_dm_op>());
  u.isa_irq = irq;
  u.level = level;
  return call(domid, XEN_DMOP_set_isa_irq_level);
}
