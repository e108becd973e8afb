// What the scheduler's tests stand on: bare operations whose argument lies where the test wants it, a timer
// event, and a state without pending events to start from.

import { checked, evtchn, sched_poll, SCHEDOP_poll, systemTime, timer, VIRQ_TIMER } from "xenlet";
import { VCPUOP_is_up } from "xenlet/raw/abi/vcpu";
import { HVM_PARAM_CONSOLE_EVTCHN } from "xenlet/raw/abi/hvm";
import { SHARED_INFO_VCPU_INFO, VCPU_INFO_EVTCHN_UPCALL_PENDING } from "xenlet/raw/abi/xen";
import { hvmParam } from "xenlet/raw/hvm-param";
import { sched_op, vcpu_op, xen_version } from "xenlet/raw/hypercall";
import { set_bit, store8 } from "xenlet/raw/memory";
import { sharedInfo } from "xenlet/raw/shared-info";
import { Since } from "./_sched-versions";

export const MS: u64 = 1_000_000;

/** Above all memory that these guests have, and below the shared frames: nothing is mapped there. */
export const NOWHERE: usize = 0xe0000000;

/** The event of timer.set(). Masked, unless a test unmasks it. */
export const timerPort = <u32>checked("EVTCHNOP_bind_virq", evtchn.bindVirq(VIRQ_TIMER));

/** A port that an event is sent to by evtchn.send(); masked. */
export function ipiPort(): u32 {
  return <u32>checked("EVTCHNOP_bind_ipi", evtchn.bindIpi());
}

/** A port that was bound once and is free again. */
export function closedPort(): u32 {
  const port = ipiPort();
  checked("EVTCHNOP_close", evtchn.close(port));
  return port;
}

/** `ns` from now, as deadlines are given. */
export function soon(ns: u64): u64 {
  return systemTime() + ns;
}

/** What rawPoll() asked last. */
export const pollArgument: usize = memory.data(offsetof<sched_poll>(), 8);
const argument = changetype<sched_poll>(pollArgument);

/** SCHEDOP_poll as Xen has it: the ports' address and their number are the caller's, the result is Xen's. */
export function rawPoll(ports: usize, count: u32, deadline: u64): i64 {
  argument.ports = ports;
  argument.nr_ports = count;
  argument.timeout = deadline;
  return sched_op(SCHEDOP_poll, pollArgument);
}

/**
 * No event for what this guest has printed: where its console is a ring, the other end says when there is room again, and
 * that ends a poll of no port. A port that is pending already raises no second event.
 */
function silenceConsole(): void {
  const port = <u32>hvmParam(HVM_PARAM_CONSOLE_EVTCHN);
  if (port == 0) return;
  evtchn.mask(port);
  set_bit(evtchn.pendingWord(port), evtchn.pendingBit(port));
}

/** No event pending, no timer armed, and all ports of a test masked: what each test begins with. */
export function quiet(ports: StaticArray<u32>): void {
  silenceConsole();
  timer.stop();
  evtchn.mask(timerPort);
  evtchn.clear(timerPort);
  for (let i = 0; i < ports.length; i++) {
    evtchn.mask(ports[i]);
    evtchn.clear(ports[i]);
  }
  while (evtchn.scan() != 0) {}
  // Xen does not stop a poll's timer when an event ends the poll. This sets it again, and waits for it.
  rawPoll(0, 0, soon(MS / 10));
}

/**
 * An operation made while an upcall is deliverable: evtchn_upcall_pending is set just before it. Xen has no other
 * look at the guest in between, unless an interrupt of its own comes just there: then the upcall is consumed before
 * the operation, and the caller tries again.
 */
export function withUpcall(cmd: u32, arg: usize): i64 {
  store8(sharedInfo() + SHARED_INFO_VCPU_INFO + VCPU_INFO_EVTCHN_UPCALL_PENDING, 1);
  return sched_op(cmd, arg);
}

/** XENVER_version */
const version = xen_version(0, 0);

/** Whether the Xen below behaves the newer way. */
export function has(since: Since): bool {
  return since.holds(<f64>(version >> 16), <f64>(version & 0xffff));
}

/** For `unless`: why a test that needs that many vCPUs cannot run, or the empty string. */
export function needsVcpus(count: u32): string {
  return vcpu_op(VCPUOP_is_up, count - 1, 0) >= 0 ? "" : "needs " + count.toString() + " vCPUs";
}
