// Device model operations, of which a toolstack without a device model needs few: raising an interrupt of an emulated
// device, and an ioreq server, which represents a device model in Xen.

import { frame_of, hypercall3 } from "xenlet/internal/intrinsics";
import {
  XENMEM_acquire_resource,
  XENMEM_resource_ioreq_server,
  xen_mem_acquire_resource,
} from "xenlet/raw/abi/memory";
import { checked, memory_op } from "xenlet/raw/hypercall";
import { takeHole } from "./foreign-frames";
import {
  XEN_DMOP_create_ioreq_server,
  XEN_DMOP_destroy_ioreq_server,
  XEN_DMOP_get_ioreq_server_info,
  XEN_DMOP_IO_RANGE_PORT,
  XEN_DMOP_map_io_range_to_ioreq_server,
  XEN_DMOP_no_gfns,
  XEN_DMOP_set_ioreq_server_state,
  XEN_DMOP_set_isa_irq_level,
  __HYPERVISOR_dm_op,
  xen_dm_op,
  xen_dm_op_buf,
  xen_dm_op_create_ioreq_server,
  xen_dm_op_destroy_ioreq_server,
  xen_dm_op_get_ioreq_server_info,
  xen_dm_op_ioreq_server_range,
  xen_dm_op_set_ioreq_server_state,
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

const acquire = changetype<xen_mem_acquire_resource>(memory.data(offsetof<xen_mem_acquire_resource>(), 8));
const frames: usize = memory.data(8, 8);
/** XENMEM_resource_ioreq_server_frame_ioreq(0): an expression in memory.h, so not among the ABI's constants. */
const FRAME_IOREQ: u64 = 1;

/**
 * Maps the page in which the vCPUs of domain `domid` leave their accesses for ioreq server `id`; without it each is
 * answered with all ones. Where it is, for unmapFrame(). Ends the toolstack if Xen refuses.
 */
export function mapIoreqPage(domid: u16, id: u16): usize {
  const at = takeHole();
  store<u64>(frames, frame_of(at));
  acquire.domid = domid;
  acquire.type = <u16>XENMEM_resource_ioreq_server;
  acquire.id = id;
  acquire.nr_frames = 1;
  acquire.pad = 0;
  acquire.frame = FRAME_IOREQ;
  acquire.frame_list = frames;
  checked("XENMEM_acquire_resource", memory_op(XENMEM_acquire_resource, changetype<usize>(acquire)));
  return at;
}

/** Sends accesses to I/O ports `first` to `last` of domain `domid` to its ioreq server `id`. Xen's errno, or 0. */
export function mapPortsToIoreqServer(domid: u16, id: u16, first: u16, last: u16): i64 {
  memory.fill(op, 0, SIZE);
  const u = changetype<xen_dm_op_ioreq_server_range>(op + offsetof<xen_dm_op>());
  u.id = id;
  u.type = XEN_DMOP_IO_RANGE_PORT;
  u.start = first;
  u.end = last;
  return call(domid, XEN_DMOP_map_io_range_to_ioreq_server);
}

/** From now on accesses wait for an answer. Xen's errno, or 0. */
export function enableIoreqServer(domid: u16, id: u16): i64 {
  memory.fill(op, 0, SIZE);
  const u = changetype<xen_dm_op_set_ioreq_server_state>(op + offsetof<xen_dm_op>());
  u.id = id;
  u.enabled = 1;
  return call(domid, XEN_DMOP_set_ioreq_server_state);
}

/** XEN_DMOP_destroy_ioreq_server (hvm/dm_op.h). 0, or a negative errno. */
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
