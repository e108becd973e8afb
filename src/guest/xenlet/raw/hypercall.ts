// Hypercalls, raw: Xen's names, Xen's argument order, Xen's own number back. Pointers are guest virtual
// addresses, which a Wasm pointer is. The typed calls (sched.ts, evtchn.ts, ...) are built on these.

import { hypercall2, hypercall3 } from "../internal/intrinsics";
import {
  __HYPERVISOR_event_channel_op,
  __HYPERVISOR_grant_table_op,
  __HYPERVISOR_hvm_op,
  __HYPERVISOR_memory_op,
  __HYPERVISOR_sched_op,
  __HYPERVISOR_vcpu_op,
  __HYPERVISOR_vm_assist,
  __HYPERVISOR_xen_version,
} from "./abi/xen";
import { describeError } from "./errno";

export { hypercall1, hypercall2, hypercall3, hypercall4, hypercall5 } from "../internal/intrinsics";

/** SCHEDOP_* (sched.h): `arg` is the address of its structure, or 0. Xen's own result. */
@inline export function sched_op(cmd: u32, arg: usize): i64 {
  return hypercall2(__HYPERVISOR_sched_op, cmd, arg);
}

/** EVTCHNOP_* (event_channel.h): `arg` is the address of its structure. */
@inline export function event_channel_op(cmd: u32, arg: usize): i64 {
  return hypercall2(__HYPERVISOR_event_channel_op, cmd, arg);
}

/** XENMEM_* (memory.h): `arg` is the address of its structure. Some return a number of frames. */
@inline export function memory_op(cmd: u32, arg: usize): i64 {
  return hypercall2(__HYPERVISOR_memory_op, cmd, arg);
}

/** HVMOP_* (hvm/hvm_op.h): `arg` is the address of its structure. */
@inline export function hvm_op(cmd: u32, arg: usize): i64 {
  return hypercall2(__HYPERVISOR_hvm_op, cmd, arg);
}

/** GNTTABOP_* (grant_table.h) for `count` structures from `uop` on; each has a status of its own. */
@inline export function grant_table_op(cmd: u32, uop: usize, count: u32): i64 {
  return hypercall3(__HYPERVISOR_grant_table_op, cmd, uop, count);
}

/** VCPUOP_* (vcpu.h) for the vCPU `vcpuid`, by Xen's number: `arg` is the address of its structure, or 0. */
@inline export function vcpu_op(cmd: u32, vcpuid: u32, arg: usize): i64 {
  return hypercall3(__HYPERVISOR_vcpu_op, cmd, vcpuid, arg);
}

/** VMASST_CMD_* and VMASST_TYPE_* (xen.h). A PVH guest has almost none of them. */
@inline export function vm_assist(cmd: u32, type: u32): i64 {
  return hypercall2(__HYPERVISOR_vm_assist, cmd, type);
}

/** XENVER_* (version.h): `arg` is the address of what it fills in, or 0. */
@inline export function xen_version(cmd: u32, arg: usize): i64 {
  return hypercall2(__HYPERVISOR_xen_version, cmd, arg);
}

/**
 * A hypercall that this guest cannot continue without: a negative result ends the guest with `operation`
 * (name and arguments, as the caller knows them) and the error's name. Otherwise the result.
 */
export function checked(operation: string, result: i64): i64 {
  if (result < 0) throw new Error(operation + " = " + describeError(result));
  return result;
}
