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

@inline export function sched_op(cmd: u32, arg: usize): i64 {
  return hypercall2(__HYPERVISOR_sched_op, cmd, arg);
}

@inline export function event_channel_op(cmd: u32, arg: usize): i64 {
  return hypercall2(__HYPERVISOR_event_channel_op, cmd, arg);
}

@inline export function memory_op(cmd: u32, arg: usize): i64 {
  return hypercall2(__HYPERVISOR_memory_op, cmd, arg);
}

@inline export function hvm_op(cmd: u32, arg: usize): i64 {
  return hypercall2(__HYPERVISOR_hvm_op, cmd, arg);
}

@inline export function grant_table_op(cmd: u32, uop: usize, count: u32): i64 {
  return hypercall3(__HYPERVISOR_grant_table_op, cmd, uop, count);
}

@inline export function vcpu_op(cmd: u32, vcpuid: u32, arg: usize): i64 {
  return hypercall3(__HYPERVISOR_vcpu_op, cmd, vcpuid, arg);
}

@inline export function vm_assist(cmd: u32, type: u32): i64 {
  return hypercall2(__HYPERVISOR_vm_assist, cmd, type);
}

@inline export function xen_version(cmd: u32, arg: usize): i64 {
  return hypercall2(__HYPERVISOR_xen_version, cmd, arg);
}

/**
 * A hypercall that this guest cannot go on without: a negative result ends the guest with `operation`
 * (name and arguments, as the caller knows them) and the error's name. Otherwise the result.
 */
export function checked(operation: string, result: i64): i64 {
  if (result < 0) throw new Error(operation + " = " + describeError(result));
  return result;
}
