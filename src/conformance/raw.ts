// Calls that the guest library makes on its own terms, made here on the scenario's: what it asks of Xen, and when.

import { event_channel_op, memory_op, vcpu_op } from "xenlet/hypercall";
import { frame_of } from "xenlet/intrinsics";
import {
  EVTCHNOP_expand_array,
  EVTCHNOP_set_priority,
  evtchn_expand_array,
  evtchn_set_priority,
} from "xenlet/abi/event_channel";
import {
  XENMAPSPACE_grant_table,
  XENMAPSPACE_shared_info,
  XENMEM_add_to_physmap,
  XENMEM_decrease_reservation,
  xen_add_to_physmap,
  xen_memory_reservation,
} from "xenlet/abi/memory";
import {
  VCPUOP_register_vcpu_info,
  vcpu_register_runstate_memory_area,
  vcpu_register_vcpu_info,
} from "xenlet/abi/vcpu";
import { DOMID_SELF } from "xenlet/abi/xen";

const argument: usize = memory.data(64, 8);
const extent: usize = memory.data(8, 8);

/** Maps shared_info at guest frame `gfn`, whatever is there. */
export function mapSharedInfo(gfn: u64): i64 {
  const a = changetype<xen_add_to_physmap>(argument);
  a.domid = DOMID_SELF;
  a.size = 0;
  a.space = XENMAPSPACE_shared_info;
  a.idx = 0;
  a.gpfn = gfn;
  return memory_op(XENMEM_add_to_physmap, argument);
}

/** Maps frame `index` of the grant table over `page`: the table grows until it has one. */
export function mapGrantFrame(index: u64, page: usize): i64 {
  const a = changetype<xen_add_to_physmap>(argument);
  a.domid = DOMID_SELF;
  a.size = 0;
  a.space = XENMAPSPACE_grant_table;
  a.idx = index;
  a.gpfn = frame_of(page);
  return memory_op(XENMEM_add_to_physmap, argument);
}

/** Gives the RAM behind `page` back to Xen, for good: what a balloon driver does. Returns 1 for done. */
export function giveBackPage(page: usize): i64 {
  const a = changetype<xen_memory_reservation>(argument);
  store<u64>(extent, frame_of(page));
  a.extent_start = extent;
  a.nr_extents = 1;
  a.extent_order = 0;
  a.mem_flags = 0;
  a.domid = DOMID_SELF;
  return memory_op(XENMEM_decrease_reservation, argument);
}

/** VCPUOP_register_vcpu_info at the start of `page`. */
export function registerVcpuInfoAt(vcpu: u32, page: usize): i64 {
  const a = changetype<vcpu_register_vcpu_info>(argument);
  a.mfn = frame_of(page);
  a.offset = 0;
  a.rsvd = 0;
  return vcpu_op(VCPUOP_register_vcpu_info, vcpu, argument);
}

/** A VCPUOP_* whose argument is one address, or one guest physical address. */
export function registerArea(operation: u32, vcpu: u32, address: u64): i64 {
  changetype<vcpu_register_runstate_memory_area>(argument).addr = address;
  return vcpu_op(operation, vcpu, argument);
}

export function expandArray(page: usize): i64 {
  changetype<evtchn_expand_array>(argument).array_gfn = frame_of(page);
  return event_channel_op(EVTCHNOP_expand_array, argument);
}

export function setPriority(port: u32, priority: u32): i64 {
  const a = changetype<evtchn_set_priority>(argument);
  a.port = port;
  a.priority = priority;
  return event_channel_op(EVTCHNOP_set_priority, argument);
}
