// Scheduler operations whose answer is known at once: what docs/scheduler.md says of their arguments, their errors and who may
// make them (do_sched_op(), xen/common/sched/core.c). A kernel decides by these numbers what it does next; one that gets
// another than it was written for goes wrong far from here. None of it has to do with a reset.
//
// In the control each question is asked where the answer is another one.

import {
  DOMID_SELF,
  SCHEDOP_pin_override,
  SCHEDOP_poll,
  SCHEDOP_remote_shutdown,
  SCHEDOP_shutdown,
  SCHEDOP_shutdown_code,
  SCHEDOP_watchdog,
  SCHEDOP_yield,
  SHUTDOWN_crash,
  sched,
  watchdogOp,
} from "xenlet";
import { sched_poll } from "xenlet/raw/abi/sched";
import { __HYPERVISOR_sched_op } from "xenlet/raw/abi/xen";
import { EFAULT, EINVAL, ENOSPC, ENOSYS, EPERM, ESRCH } from "xenlet/raw/errno";
import { hypercall2, sched_op } from "xenlet/raw/hypercall";
import { SCHED, scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { NOWHERE, NO_COMMAND, PAST, pollArgument, rawPoll } from "../sched-calls";
import { RemoteVcpu } from "../remote";
import { Scenario } from "../scenario";

const CALLS = scenario({ name: "sched-calls", area: "Scheduler", suite: SCHED });
const YIELD = CALLS.check({ name: "sched/yield", title: "SCHEDOP_yield always returns 0" });
const YIELD_ARGUMENT = CALLS.check({
  name: "sched/yield-argument",
  title: "SCHEDOP_yield ignores its argument",
});
const UNKNOWN = CALLS.check({
  name: "sched/unknown-command",
  title: "An unknown scheduler operation is refused with -ENOSYS, whatever its argument",
});
const COMMAND_WIDTH = CALLS.check({
  name: "sched/command-width",
  title: "Xen uses only the lowest 32 bits of a scheduler operation's number",
});
const COMPAT = CALLS.check({
  name: "sched/compat",
  title: "sched_op_compat (hypercall 6) is refused with -ENOSYS on PVH",
});
const SHUTDOWN_FAULT = CALLS.check({
  name: "sched/shutdown-bad-address",
  title: "SCHEDOP_shutdown with an unreadable argument is refused with -EFAULT",
});
const POLL_FAULT = CALLS.check({
  name: "sched/poll-bad-address",
  title: "SCHEDOP_poll with an unreadable argument is refused with -EFAULT",
});
const PORTS_FAULT = CALLS.check({
  name: "sched/poll-bad-ports-address",
  title: "SCHEDOP_poll with an unreadable list of ports is refused with -EFAULT",
});
const REMOTE_FAULT = CALLS.check({
  name: "sched/remote-shutdown-bad-address",
  title: "SCHEDOP_remote_shutdown with an unreadable argument is refused with -EFAULT",
});
const CODE_FAULT = CALLS.check({
  name: "sched/shutdown-code-bad-address",
  title: "SCHEDOP_shutdown_code with an unreadable argument is refused with -EFAULT",
});
const WATCHDOG_FAULT = CALLS.check({
  name: "sched/watchdog-bad-address",
  title: "SCHEDOP_watchdog with an unreadable argument is refused with -EFAULT",
});
const ALIGNMENT = CALLS.check({
  name: "sched/argument-anywhere",
  title: "An argument at any alignment, and up to the last byte of memory, is read",
});
const BEHIND = CALLS.check({
  name: "sched/argument-behind-memory",
  title: "An argument that extends past mapped memory is refused with -EFAULT",
});
const CANONICAL = CALLS.check({
  name: "sched/argument-not-canonical",
  title: "An argument at a non-canonical address is refused with -EFAULT",
});
const REMOTE_NOBODY = CALLS.check({
  name: "sched/remote-shutdown-no-domain",
  title: "SCHEDOP_remote_shutdown of a domain that does not exist is refused with -ESRCH",
});
const REMOTE_SELF = CALLS.check({
  name: "sched/remote-shutdown-self",
  title: "SCHEDOP_remote_shutdown of DOMID_SELF is refused with -ESRCH",
});
const REMOTE_DOM0 = CALLS.check({
  name: "sched/remote-shutdown-refused",
  title: "A domU is refused SCHEDOP_remote_shutdown of dom0 with -EPERM",
});
const PIN_REFUSED = CALLS.check({
  name: "sched/pin-override-refused",
  title: "A domU is refused SCHEDOP_pin_override with -EPERM, before its argument is read",
});
const WATCHDOG_IDS = CALLS.check({
  name: "sched/watchdog-ids",
  title: "The first watchdog has number 1, the second 2",
});
const WATCHDOG_FULL = CALLS.check({
  name: "sched/watchdog-full",
  title: "A third watchdog is refused with -ENOSPC, truncated to 32 bits",
});
const WATCHDOG_POKED = CALLS.check({
  name: "sched/watchdog-poked",
  title: "A watchdog in use can be rearmed or destroyed: the call returns 0",
});
const WATCHDOG_GONE = CALLS.check({
  name: "sched/watchdog-not-in-use",
  title: "A watchdog that is not in use is refused with -EINVAL",
});
const WATCHDOG_NO_ID = CALLS.check({
  name: "sched/watchdog-no-such-id",
  title: "A watchdog number above 2 is refused with -EINVAL",
});
const WATCHDOG_AGAIN = CALLS.check({
  name: "sched/watchdog-given-again",
  title: "The number of a destroyed watchdog is reused",
});

const compat: u32 = 6;
/** Given to no domain: Xen counts up from 1. */
const NOBODY: u16 = 0x7000;
const DOM0: u16 = 0;
/** Seconds: longer than this takes. */
const LONG: u32 = 600;
const allocate: usize = memory.data<u32>([0, 600]);
const POLL_SIZE: usize = offsetof<sched_poll>();

export class SchedCalls extends Scenario {
  constructor() {
    super(CALLS);
  }

  guest(side: GuestSide): void {
    const control = side.control;
    side.result(YIELD, "SCHEDOP_yield", sched_op(control ? NO_COMMAND : SCHEDOP_yield, 0), 0);
    side.result(
      YIELD_ARGUMENT,
      "SCHEDOP_yield of an unreadable argument",
      sched_op(control ? SCHEDOP_shutdown_code : SCHEDOP_yield, NOWHERE),
      0,
    );
    side.result(
      UNKNOWN,
      "an operation that there is not",
      sched_op(control ? SCHEDOP_yield : NO_COMMAND, NOWHERE),
      -ENOSYS,
    );
    const command = ((<u64>1) << 32) | (control ? NO_COMMAND : SCHEDOP_yield);
    side.result(
      COMMAND_WIDTH,
      "SCHEDOP_yield with bit 32 set",
      hypercall2(__HYPERVISOR_sched_op, command, 0),
      0,
    );
    const number = control ? __HYPERVISOR_sched_op : compat;
    side.result(COMPAT, "hypercall 6", hypercall2(number, SCHEDOP_yield, 0), -ENOSYS);
    this.arguments(side);
    this.permissions(side);
    this.watchdogs(side);
  }

  /** In the control an operation that does not look at its argument. */
  private fault(side: GuestSide, name: string, cmd: u32): void {
    const used = side.control ? SCHEDOP_yield : cmd;
    const nowhere = sched_op(used, NOWHERE);
    const result = sched_op(used, 0);
    side.result(name, "of addresses 0 and 0xe0000000", nowhere == -EFAULT ? result : nowhere, -EFAULT);
  }

  private arguments(side: GuestSide): void {
    const control = side.control;
    this.fault(side, SHUTDOWN_FAULT, SCHEDOP_shutdown);
    this.fault(side, POLL_FAULT, SCHEDOP_poll);
    this.fault(side, REMOTE_FAULT, SCHEDOP_remote_shutdown);
    this.fault(side, CODE_FAULT, SCHEDOP_shutdown_code);
    this.fault(side, WATCHDOG_FAULT, SCHEDOP_watchdog);
    side.result(
      PORTS_FAULT,
      "SCHEDOP_poll, ports at 0xe0000000",
      rawPoll(NOWHERE, control ? 0 : 1, PAST),
      -EFAULT,
    );
    rawPoll(0, 0, PAST);
    const end: usize = (<usize>memory.size()) << 16;
    let refused: i64 = 0;
    const copy = heap.alloc(POLL_SIZE + 8);
    for (let i: usize = 0; i < 8; i++) {
      memory.copy(copy + i, pollArgument, POLL_SIZE);
      const result = sched_op(SCHEDOP_poll, control ? NOWHERE : copy + i);
      if (result != 0) refused = result;
    }
    heap.free(copy);
    const last = end - POLL_SIZE;
    memory.copy(last, pollArgument, POLL_SIZE);
    const result = sched_op(SCHEDOP_poll, last);
    side.result(ALIGNMENT, "SCHEDOP_poll, eight alignments", refused != 0 ? refused : result, 0);
    side.result(
      BEHIND,
      "SCHEDOP_poll, 8 bytes of the argument beyond the end of memory",
      sched_op(SCHEDOP_poll, control ? last : last + 8),
      -EFAULT,
    );
    const address: u64 = control ? pollArgument : (<u64>1) << 63;
    side.result(
      CANONICAL,
      "SCHEDOP_poll, argument at 1 << 63",
      hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, address),
      -EFAULT,
    );
  }

  private permissions(side: GuestSide): void {
    const control = side.control;
    side.result(
      REMOTE_NOBODY,
      "SCHEDOP_remote_shutdown",
      sched.remoteShutdown(control ? DOM0 : NOBODY, SHUTDOWN_crash),
      -ESRCH,
    );
    side.result(
      REMOTE_SELF,
      "SCHEDOP_remote_shutdown(DOMID_SELF)",
      sched.remoteShutdown(control ? DOM0 : DOMID_SELF, SHUTDOWN_crash),
      -ESRCH,
    );
    side.result(
      REMOTE_DOM0,
      "SCHEDOP_remote_shutdown(0)",
      sched.remoteShutdown(control ? NOBODY : DOM0, SHUTDOWN_crash),
      -EPERM,
    );
    side.result(
      PIN_REFUSED,
      "SCHEDOP_pin_override of an unreadable argument",
      sched_op(control ? SCHEDOP_watchdog : SCHEDOP_pin_override, NOWHERE),
      -EPERM,
    );
  }

  private watchdogs(side: GuestSide): void {
    const control = side.control;
    if (control) watchdogOp(0, LONG);
    const first = watchdogOp(0, LONG);
    const second = control ? first : watchdogOp(0, LONG);
    side.check(
      WATCHDOG_IDS,
      first == 1 && second == 2,
      "the first is " + first.toString() + ", the second " + second.toString(),
    );
    if (control) watchdogOp(2, 0);
    side.same(
      WATCHDOG_FULL,
      "SCHEDOP_watchdog of a third one",
      sched_op(SCHEDOP_watchdog, allocate),
      <u32>-ENOSPC,
    );
    if (control) watchdogOp(1, 0);
    const poked = watchdogOp(1, LONG);
    const destroyed = watchdogOp(1, 0);
    side.result(WATCHDOG_POKED, "set anew, and destroyed", poked != 0 ? poked : destroyed, 0);
    if (control) watchdogOp(0, LONG);
    side.result(WATCHDOG_GONE, "a destroyed one, destroyed again", watchdogOp(1, 0), -EINVAL);
    side.result(WATCHDOG_NO_ID, "number 3", watchdogOp(control ? 2 : 3, LONG), -EINVAL);
    if (control) watchdogOp(0, LONG);
    side.same(WATCHDOG_AGAIN, "the next one's number, 1 being free", watchdogOp(0, LONG), 1);
    for (let id: u32 = 1; id <= 2; id++) watchdogOp(id, 0);
  }
}

const VCPUS = scenario({ name: "sched-vcpus", area: "Scheduler", suite: SCHED, vcpus: 2 });
const YIELD_OTHER = VCPUS.check({
  name: "sched/yield-to-another",
  title: "SCHEDOP_yield lets another vCPU that waits for the CPU run first",
});

const YIELDS: u32 = 50;

export class SchedVcpus extends Scenario {
  constructor() {
    super(VCPUS);
  }

  guest(side: GuestSide): void {
    const other = RemoteVcpu.start(1);
    let ran: u32 = 0;
    for (let i: u32 = 0; i < YIELDS; i++) {
      const before = other.turns;
      if (!side.control) sched_op(SCHEDOP_yield, 0);
      if (other.turns != before) ran++;
    }
    /* One CPU: the scheduler may prefer this vCPU now and then, but not each time. */
    side.check(
      YIELD_OTHER,
      ran > YIELDS / 2,
      "in " + YIELDS.toString() + " yields the other vCPU ran " + ran.toString() + " times",
    );
  }
}
