// Calls that the guest library makes on its own terms, made here on the scenario's: what it asks of Xen, and when.

import { checked, sched } from "xenlet";
import { __HYPERVISOR_domctl, xen_domctl, XEN_DOMCTL_soft_reset } from "xenlet/raw/abi/domctl";
import {
  evtchn_bind_ipi,
  evtchn_expand_array,
  evtchn_init_control,
  evtchn_set_priority,
  EVTCHNOP_bind_ipi,
  EVTCHNOP_expand_array,
  EVTCHNOP_init_control,
  EVTCHNOP_set_priority,
} from "xenlet/raw/abi/event_channel";
import {
  xen_add_to_physmap,
  xen_memory_reservation,
  xen_remove_from_physmap,
  XENMAPSPACE_grant_table,
  XENMAPSPACE_shared_info,
  XENMEM_add_to_physmap,
  XENMEM_decrease_reservation,
  XENMEM_remove_from_physmap,
} from "xenlet/raw/abi/memory";
import {
  vcpu_register_runstate_memory_area,
  vcpu_register_vcpu_info,
  vcpu_set_periodic_timer,
  vcpu_set_singleshot_timer,
  VCPUOP_register_vcpu_info,
  VCPUOP_set_periodic_timer,
  VCPUOP_set_singleshot_timer,
  VCPUOP_stop_periodic_timer,
} from "xenlet/raw/abi/vcpu";
import {
  DOMID_SELF,
  TIME_SYSTEM_TIME,
  TIME_TSC_SHIFT,
  TIME_TSC_TIMESTAMP,
  TIME_TSC_TO_SYSTEM_MUL,
  VCPU_INFO_TIME,
} from "xenlet/raw/abi/xen";
import { rdtsc } from "xenlet/raw/cpu";
import { event_channel_op, hypercall1, memory_op, vcpu_op } from "xenlet/raw/hypercall";
import { frame_of, load32, load64, load8, store64 } from "xenlet/raw/memory";
import { vcpuInfo } from "xenlet/raw/shared-info";
import { xenInterface } from "xenlet/raw/toolstack";

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

/** Gives the RAM behind `page` back to Xen, permanently: what a balloon driver does. Returns 1 for done. */
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

/** VCPUOP_register_vcpu_info in `page`, `offset` bytes behind its begin. */
export function registerVcpuInfoAt(vcpu: u32, page: usize, offset: u32 = 0): i64 {
  const a = changetype<vcpu_register_vcpu_info>(argument);
  a.mfn = frame_of(page);
  a.offset = offset;
  a.rsvd = 0;
  return vcpu_op(VCPUOP_register_vcpu_info, vcpu, argument);
}

/** A VCPUOP_* whose argument is one address, or one guest physical address. */
export function registerArea(operation: u32, vcpu: u32, address: u64): i64 {
  changetype<vcpu_register_runstate_memory_area>(argument).addr = address;
  return vcpu_op(operation, vcpu, argument);
}

/** VIRQ_TIMER, once, when Xen system time reaches `deadline`. The library's timer would be stopped before a reset. */
export function setSingleshotTimer(deadline: u64): void {
  const a = changetype<vcpu_set_singleshot_timer>(argument);
  a.timeout_abs_ns = deadline;
  a.flags = 0;
  checked("VCPUOP_set_singleshot_timer", vcpu_op(VCPUOP_set_singleshot_timer, 0, argument));
}

/** VIRQ_TIMER every `period` ns; 0 ends it. */
export function setPeriodicTimer(period: u64): void {
  if (period == 0) {
    checked("VCPUOP_stop_periodic_timer", vcpu_op(VCPUOP_stop_periodic_timer, 0, 0));
    return;
  }
  changetype<vcpu_set_periodic_timer>(argument).period_ns = period;
  checked("VCPUOP_set_periodic_timer", vcpu_op(VCPUOP_set_periodic_timer, 0, argument));
}

const NO_PORTS: StaticArray<u32> = [];

/** Xen system time by the parameters of one moment, which stay valid when those in vcpu_info may not be read. */
class Clock {
  private systemTime: u64;
  private timestamp: u64;
  private mul: u64;
  private shift: i8;

  constructor() {
    const time = vcpuInfo() + VCPU_INFO_TIME;
    this.systemTime = load64(time + TIME_SYSTEM_TIME);
    this.timestamp = load64(time + TIME_TSC_TIMESTAMP);
    this.mul = load32(time + TIME_TSC_TO_SYSTEM_MUL);
    this.shift = <i8>load8(time + TIME_TSC_SHIFT);
  }

  now(): u64 {
    let ticks = rdtsc() - this.timestamp;
    ticks = this.shift < 0 ? ticks >> -this.shift : ticks << this.shift;
    return this.systemTime + (((ticks & 0xffffffff) * this.mul) >> 32) + (ticks >> 32) * this.mul;
  }
}

/**
 * Makes Xen write a vCPU's time to wherever it is registered: it does so when it puts the vCPU on a CPU again, but only
 * if the time in vcpu_info is not what it should be (__update_vcpu_system_time(), xen/arch/x86/time.c), which is so once a second.
 */
export function makeXenWriteTime(): void {
  const time = vcpuInfo() + VCPU_INFO_TIME + TIME_SYSTEM_TIME;
  const clock = new Clock();
  store64(time, 0);
  /* An event may end a sleep before it has begun, and a deadline that has passed meanwhile does not count. */
  for (let tries = 0; tries < 200 && load64(time) == 0; tries++)
    sched.poll(NO_PORTS, clock.now() + 2_000_000);
}

/** Takes what is mapped at `page` away: a hole. */
export function unmapPage(page: usize): i64 {
  const a = changetype<xen_remove_from_physmap>(argument);
  a.domid = DOMID_SELF;
  a.gpfn = frame_of(page);
  return memory_op(XENMEM_remove_from_physmap, argument);
}

export function expandArray(page: usize): i64 {
  changetype<evtchn_expand_array>(argument).array_gfn = frame_of(page);
  return event_channel_op(EVTCHNOP_expand_array, argument);
}

/** EVTCHNOP_init_control: the vCPU's control block is `page`. The first one switches the domain to the FIFO ABI. */
export function initControl(vcpu: u32, page: usize): i64 {
  const a = changetype<evtchn_init_control>(argument);
  a.control_gfn = frame_of(page);
  a.offset = 0;
  a.vcpu = vcpu;
  const result = event_channel_op(EVTCHNOP_init_control, argument);
  return result;
}

/** EVTCHNOP_bind_ipi behind the library's back, which has no room for ports beyond its own ABI's. */
export function bindIpi(vcpu: u32): i64 {
  const a = changetype<evtchn_bind_ipi>(argument);
  a.vcpu = vcpu;
  const result = event_channel_op(EVTCHNOP_bind_ipi, argument);
  return result < 0 ? result : a.port;
}

export function setPriority(port: u32, priority: u32): i64 {
  const a = changetype<evtchn_set_priority>(argument);
  a.port = port;
  a.priority = priority;
  return event_channel_op(EVTCHNOP_set_priority, argument);
}

const domctlBuffer: usize = memory.data(256, 8);

/** XEN_DOMCTL_soft_reset of dom0, in a version of the interface that no Xen has. Xen's own number. */
export function softResetInNoVersion(): i64 {
  const head = changetype<xen_domctl>(domctlBuffer);
  head.cmd = XEN_DOMCTL_soft_reset;
  head.interface_version = 1;
  head.domain = 0;
  return hypercall1(__HYPERVISOR_domctl, domctlBuffer);
}

/** The argument of XEN_DOMCTL_soft_reset of domain `domid`. */
export function softResetArgument(domid: u16): usize {
  memory.fill(domctlBuffer, 0, 256);
  const head = changetype<xen_domctl>(domctlBuffer);
  head.cmd = XEN_DOMCTL_soft_reset;
  head.interface_version = xenInterface().domctl;
  head.domain = domid;
  return domctlBuffer;
}
