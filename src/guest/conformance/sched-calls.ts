// What the scheduler's scenarios ask with: operations whose argument lies where the scenario wants it, an event of a timer, and a
// state without pending events to start from.

import { checked, evtchn, sched_poll, SCHEDOP_poll, systemTime } from "xenlet";
import { VIRQ_TIMER, VCPU_INFO_EVTCHN_UPCALL_PENDING } from "xenlet/raw/abi/xen";
import { sched_op } from "xenlet/raw/hypercall";
import { store8 } from "xenlet/raw/memory";
import { vcpuInfo } from "xenlet/raw/shared-info";
import { setPeriodicTimer, setSingleshotTimer } from "./raw";

export const MS: u64 = 1_000_000;
/** Above all memory that these domains have, and below the shared frames: nothing is mapped there. */
export const NOWHERE: usize = 0xe0000000;
/** No operation of any release. */
export const NO_COMMAND: u32 = 1000;
/** Beyond every port that a domain can have. */
export const NO_PORT: u32 = 0x7ffffff0;
/** Further off than any event that a check waits for: reached only where that is lost. */
export const LATE: u64 = 5000 * MS;
/** A deadline that is waited for. */
export const SOON: u64 = 40 * MS;
/** When a timer's event comes that is to come before either. */
export const EVENT_AFTER: u64 = 5 * MS;
export const PAST: u64 = 1;

export const pollArgument: usize = memory.data(offsetof<sched_poll>(), 8);
const argument = changetype<sched_poll>(pollArgument);

/** SCHEDOP_poll as Xen has it: the result is Xen's. */
export function rawPoll(ports: usize, count: u32, deadline: u64): i64 {
  argument.ports = ports;
  argument.nr_ports = count;
  argument.timeout = deadline;
  return sched_op(SCHEDOP_poll, pollArgument);
}

/** Ports of a scenario, all masked, and the timer's. */
export class Sleeper {
  readonly timer: u32 = <u32>checked("EVTCHNOP_bind_virq", evtchn.bindVirq(VIRQ_TIMER));
  readonly a: u32 = <u32>checked("EVTCHNOP_bind_ipi", evtchn.bindIpi());
  readonly b: u32 = <u32>checked("EVTCHNOP_bind_ipi", evtchn.bindIpi());
  /** Of the last poll(). */
  result: i64 = 0;

  /** A port that was bound once, and is free again. */
  closed(): u32 {
    const port = <u32>checked("EVTCHNOP_bind_ipi", evtchn.bindIpi());
    evtchn.close(port);
    return port;
  }

  /** No event pending, no timer armed, every port masked. */
  quiet(): void {
    setPeriodicTimer(0);
    const ports: StaticArray<u32> = [this.timer, this.a, this.b];
    for (let i = 0; i < ports.length; i++) {
      evtchn.mask(ports[i]);
      evtchn.clear(ports[i]);
    }
    while (evtchn.scan() != 0) {}
    /* An event does not stop the timer of the poll that it ends. This sets it again, and waits for it. */
    rawPoll(0, 0, systemTime() + MS / 10);
    /* Nor can the singleshot timer be stopped by less than another one. */
    setSingleshotTimer(systemTime() + 2 * LATE);
  }

  /** Quiet, but for an event of the timer EVENT_AFTER from now. */
  quietWithEvent(): void {
    this.quiet();
    setSingleshotTimer(systemTime() + EVENT_AFTER);
  }

  /** Polls `ports` until `ns` from now at the latest; whether it came back before. */
  isEarly(ports: StaticArray<u32>, ns: u64): bool {
    const deadline = systemTime() + ns;
    this.result = rawPoll(changetype<usize>(ports), ports.length, deadline);
    return systemTime() < deadline;
  }
}

/**
 * An operation made while an upcall is deliverable. Xen does not look at the guest in between, unless an interrupt of its
 * own comes just there: then the upcall is consumed before the operation, and the caller tries again.
 */
export function withUpcall(cmd: u32, arg: usize): i64 {
  store8(vcpuInfo() + VCPU_INFO_EVTCHN_UPCALL_PENDING, 1);
  return sched_op(cmd, arg);
}
