// Xen's scheduler interface, typed: xen/include/public/sched.h, do_sched_op in xen/common/sched/core.c (4.17).

import { sched_op } from "../../raw/hypercall";
import { say_stage, sleep_unless_upcall } from "../intrinsics";
import {
  SCHEDOP_block,
  SCHEDOP_pin_override,
  SCHEDOP_poll,
  SCHEDOP_remote_shutdown,
  SCHEDOP_shutdown,
  SCHEDOP_shutdown_code,
  SCHEDOP_yield,
  sched_pin_override,
  sched_poll,
  sched_remote_shutdown,
  sched_shutdown,
} from "../../raw/abi/sched";
import { abi } from "../events/abi-in-use";
import { needSharedInfo } from "../events/shared-info";
import { systemTime } from "../time/time";

/** SCHEDOP_poll takes at most this many ports; more is -EINVAL. */
export const POLL_MAX_PORTS = 128;

/** Why sched.poll() returned. Xen says 0 for each, so the runtime looks. */
export enum PollWake {
  /** Neither of the others: another event, or the timer of an earlier poll. */
  SPURIOUS = 0,
  /** One of the ports is pending. */
  EVENT = 1,
  /** The deadline has passed. */
  DEADLINE = 2,
}

const pollArgument = changetype<sched_poll>(memory.data(offsetof<sched_poll>(), 8));
const pollPorts: usize = memory.data(POLL_MAX_PORTS * sizeof<u32>(), 8);
const shutdownArgument = changetype<sched_shutdown>(memory.data(offsetof<sched_shutdown>(), 4));
const remoteArgument = changetype<sched_remote_shutdown>(memory.data(offsetof<sched_remote_shutdown>(), 4));
const pinArgument = changetype<sched_pin_override>(memory.data(offsetof<sched_pin_override>(), 4));

/** What SCHEDOP_shutdown_code has fixed, as far as this runtime knows; -1: nothing. */
let latched: i32 = -1;

/** The reason that sched.shutdownCode() has fixed; -1 if none. */
export function latchedShutdown(): i32 {
  return latched;
}

/** Xen has forgotten it: the domain was resumed (domain_resume, xen/common/domain.c). */
export function forgetLatchedShutdown(): void {
  latched = -1;
}

/** The namespace that guests call it by; a class, since `yield` cannot name a function. */
export abstract class sched {
  /** SCHEDOP_yield: lets another vCPU run. Returns 0; Xen knows no error here. */
  static yield(): i64 {
    return sched_op(SCHEDOP_yield, 0);
  }

  /**
   * SCHEDOP_block: sleeps until an event is delivered. Returns 0, at once if an upcall came since the
   * last evtchn.scan(). Issued with interrupts on, as PVH needs: with them off Xen does not see a
   * pending event and the vCPU sleeps forever.
   */
  static block(): i64 {
    needSharedInfo();
    return sleep_unless_upcall(SCHEDOP_block, 0);
  }

  /**
   * SCHEDOP_poll: sleeps until one of `ports` is pending, masked or not, or Xen system time reaches
   * `deadline` (ns; 0: no deadline; one in the past returns at once).
   *
   * Returns a PollWake, or -EINVAL for more than 128 ports or for one that is not bound. A pending
   * port's bit is left set: evtchn.clear() it before waiting for the next event on it.
   */
  static poll(ports: StaticArray<u32>, deadline: u64 = 0): i64 {
    const count = ports.length;
    if (count != 0) needSharedInfo();
    memory.copy(pollPorts, changetype<usize>(ports), min(count, POLL_MAX_PORTS) * sizeof<u32>());
    pollArgument.ports = pollPorts;
    pollArgument.nr_ports = count;
    pollArgument.timeout = deadline;
    say_stage();
    const result = sched_op(SCHEDOP_poll, changetype<usize>(pollArgument));
    if (result < 0) return result;
    for (let i = 0; i < count; i++) {
      if (abi().isPending(unchecked(ports[i]))) return PollWake.EVENT;
    }
    if (deadline != 0 && systemTime() >= deadline) return PollWake.DEADLINE;
    return PollWake.SPURIOUS;
  }

  /**
   * SCHEDOP_shutdown: ends the domain with that SHUTDOWN_* reason (Xen keeps its lowest 8 bits).
   * It returns, with 0, only when a toolstack resumes the domain; -EFAULT cannot happen here.
   *
   * This is the plain operation: an end without a result counts as a crash.
   * To end with success or an exit code, call process.exit().
   */
  static shutdown(reason: u32): i64 {
    shutdownArgument.reason = reason;
    say_stage();
    return sched_op(SCHEDOP_shutdown, changetype<usize>(shutdownArgument));
  }

  /**
   * SCHEDOP_shutdown_code: fixes the reason that the domain will end with, however it ends. Returns 0, also
   * when one is fixed already: the first one stays, until a toolstack resumes the domain.
   */
  static shutdownCode(reason: u32): i64 {
    shutdownArgument.reason = reason;
    const result = sched_op(SCHEDOP_shutdown_code, changetype<usize>(shutdownArgument));
    if (result == 0 && latched < 0) latched = reason & 0xff;
    return result;
  }

  /**
   * SCHEDOP_remote_shutdown: ends another domain. -ESRCH: there is no such domain, or it is DOMID_SELF;
   * -EPERM: it is not ours to control (a domU has no such domain, itself included).
   */
  static remoteShutdown(domid: u16, reason: u32): i64 {
    remoteArgument.domain_id = domid;
    remoteArgument.reason = reason;
    say_stage(); // it may be this one
    return sched_op(SCHEDOP_remote_shutdown, changetype<usize>(remoteArgument));
  }

  /**
   * SCHEDOP_pin_override: keeps this vCPU on a physical CPU for as long as it takes; -1 ends that.
   * -EPERM: only the hardware domain may; -EINVAL: that CPU is not online, or there is no override to end;
   * -EBUSY: there is one already.
   */
  static pinOverride(pcpu: i32): i64 {
    pinArgument.pcpu = pcpu;
    return sched_op(SCHEDOP_pin_override, changetype<usize>(pinArgument));
  }
}
