// What a soft reset does not clean. Each of these is state that a next kernel finds, and mostly does not expect; a kernel
// that kexecs has to put it in order before it asks (docs/kexec.md). They are checked because a suite that is silent
// about them would let one that relies on them, or a Xen that changes them, go unnoticed. If Xen cleans one some day,
// the check fails, and the table of known differences (src/matrix/expectations.ts) gets a row.
//
// The reset makes no difference here: in the controls the thing is not made dirty in the first place.

import { SHUTDOWN_reboot, SHUTDOWN_soft_reset, SHUTDOWN_watchdog } from "xenlet/abi/sched";
import { SHARED_INFO_EVTCHN_MASK, VCPU_INFO_EVTCHN_UPCALL_PENDING, VIRQ_TIMER } from "xenlet/abi/xen";
import { evtchn } from "xenlet/evtchn";
import { describeResult } from "xenlet/errno";
import { checked, vcpu_op } from "xenlet/hypercall";
import {
  frame_of,
  interrupts_off,
  load32,
  load64,
  load8,
  shared_alloc,
  store32,
  store64,
  store8,
} from "xenlet/intrinsics";
import { VCPUOP_set_periodic_timer, VCPUOP_set_singleshot_timer } from "xenlet/abi/vcpu";
import { sched } from "xenlet/sched";
import { sharedInfo } from "xenlet/shared_info";
import { systemTime } from "xenlet/time";
import { watchdogOp } from "xenlet/watchdog";
import { GuestSide } from "../guest-side";
import { mapSharedInfo, registerArea } from "../raw";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";

const MS: u64 = 1_000_000;
const NO_PORTS: StaticArray<u32> = [];

/** struct shared_info ends before here, and nobody uses the rest of its page. */
const UNUSED: usize = 4000;
const MARK: u32 = 0x5eed0002;
const MASK_WORD: u64 = 0x00ff00ff00ff00f0;
// vcpu.h: VCPUOP_register_vcpu_time_memory_area
const VCPUOP_register_vcpu_time_memory_area: u32 = 13;

const timerArgument: usize = memory.data(16, 8);

function singleshot(deadline: u64): void {
  store<u64>(timerArgument, deadline);
  store<u32>(timerArgument, 0, 8);
  checked("VCPUOP_set_singleshot_timer", vcpu_op(VCPUOP_set_singleshot_timer, 0, timerArgument));
}

function periodic(period: u64): void {
  store<u64>(timerArgument, period);
  checked("VCPUOP_set_periodic_timer", vcpu_op(VCPUOP_set_periodic_timer, 0, timerArgument));
}

/** Whether VIRQ_TIMER comes, of a timer that nobody set since the reset, within `ns`. */
function timerComes(ns: u64): bool {
  const port = <u32>checked("EVTCHNOP_bind_virq(VIRQ_TIMER)", evtchn.bindVirq(VIRQ_TIMER));
  const deadline = systemTime() + ns;
  const ports: StaticArray<u32> = [port];
  while (!evtchn.isPending(port) && systemTime() < deadline) sched.poll(ports, deadline);
  return evtchn.isPending(port);
}

function comes(what: string, itDoes: bool): string {
  return what + " " + (itDoes ? "came" : "did not come") + " after the reset";
}

/** The control makes nothing dirty; it is reset like the check. */
abstract class Dirty extends Scenario {
  onSoftReset(side: ToolstackSide): bool {
    return side.guest.softReset() == 0;
  }
}

/** shared_info's contents: Xen keeps the page, and clears nothing in it. */
export class SharedInfoContents extends Dirty {
  constructor() {
    super("stays-dirty-shared-info");
  }

  guest(side: GuestSide): void {
    const page = sharedInfo();
    interrupts_off();
    if (!side.control) {
      store32(page + UNUSED, MARK);
      store64(page + SHARED_INFO_EVTCHN_MASK + 64, MASK_WORD);
      store8(page + VCPU_INFO_EVTCHN_UPCALL_PENDING, 1);
    } else {
      store64(page + SHARED_INFO_EVTCHN_MASK + 64, 0);
      store8(page + VCPU_INFO_EVTCHN_UPCALL_PENDING, 0);
    }
    if (side.requestReset() != 0) throw new Error("the soft reset was refused");
    mapSharedInfo(frame_of(page));
    const mark = load32(page + UNUSED);
    const mask = load64(page + SHARED_INFO_EVTCHN_MASK + 64);
    const pending = load8(page + VCPU_INFO_EVTCHN_UPCALL_PENDING);
    side.attach();
    side.same("stays-dirty/shared-info", "a mark that was left in shared_info, mapped again", mark, MARK);
    side.same("stays-dirty/event-mask", "a word of evtchn_mask", mask, MASK_WORD);
    side.same("stays-dirty/upcall-pending", "evtchn_upcall_pending of vCPU 0", pending, 1);
  }
}

/** Xen's timers of the domain run on, and fire in the next kernel. */
export class Timers extends Dirty {
  constructor() {
    super("stays-dirty-timers");
  }

  guest(side: GuestSide): void {
    if (!side.control) singleshot(systemTime() + 100 * MS);
    side.reset();
    const once = timerComes(250 * MS);
    side.check(
      "stays-dirty/singleshot-timer",
      once,
      comes("the old kernel's VCPUOP_set_singleshot_timer", once),
    );

    if (!side.control) periodic(20 * MS);
    side.reset();
    const often = timerComes(100 * MS);
    side.check(
      "stays-dirty/periodic-timer",
      often,
      comes("the old kernel's VCPUOP_set_periodic_timer", often),
    );
    if (!side.control) vcpu_op(7, 0, 0); /* VCPUOP_stop_periodic_timer */

    this.pollTimer(side);
  }

  /** A poll that an event ended leaves its timer armed; a later one without a deadline is ended by it. */
  private pollTimer(side: GuestSide): void {
    side.reset();
    const virq = <u32>evtchn.bindVirq(VIRQ_TIMER);
    const end = systemTime() + 200 * MS;
    singleshot(systemTime() + 5 * MS);
    const ports: StaticArray<u32> = [virq];
    while (!evtchn.isPending(virq)) sched.poll(ports, side.control ? 0 : end);
    side.reset();
    /* What ends the poll if the old timer does not. */
    const late = <u32>evtchn.bindVirq(VIRQ_TIMER);
    singleshot(end + 200 * MS);
    sched.poll(NO_PORTS, 0);
    const now = systemTime();
    const early = !evtchn.isPending(late);
    side.check(
      "stays-dirty/poll-timer",
      early && now + 5 * MS >= end,
      "a SCHEDOP_poll without a deadline ended " +
        (early ? "by itself, " : "with the event, ") +
        ((<i64>now - <i64>end) / <i64>MS).toString() +
        " ms after the old one's",
    );
  }
}

/** A watchdog that the old kernel armed ends the new one. */
export class ArmedWatchdog extends Dirty {
  constructor() {
    super("stays-dirty-watchdog");
  }

  guest(side: GuestSide): void {
    const id = <u32>watchdogOp(0, 1);
    if (side.control) watchdogOp(id, 0);
    if (side.requestReset() != 0) throw new Error("the soft reset was refused");
    side.attach();
    const second = watchdogOp(0, 60);
    side.result("stays-dirty/watchdog-id", "SCHEDOP_watchdog: the next free id", second, 2);
    if (second > 0) watchdogOp(<u32>second, 0);
    const deadline = systemTime() + 1500 * MS;
    while (systemTime() < deadline) sched.poll(NO_PORTS, deadline);
  }

  toolstack(side: ToolstackSide): void {
    side.create();
    side.serve();
    side.check(
      "stays-dirty/watchdog-fires",
      side.reason == SHUTDOWN_watchdog,
      "a watchdog of 1 s, armed before the reset: the domain ended for reason " + side.reason.toString(),
    );
  }
}

/**
 * SCHEDOP_shutdown_code fixes the reason before the domain shuts down: a request for a soft reset then tells the
 * toolstack something else. The guest cannot read it back.
 */
export class LatchedCode extends Scenario {
  constructor() {
    super("stays-dirty-shutdown-code");
  }

  guest(side: GuestSide): void {
    if (!side.control) sched.shutdownCode(SHUTDOWN_reboot);
    side.requestReset();
    if (side.control) sched.shutdownCode(SHUTDOWN_reboot);
    side.requestReset();
  }

  toolstack(side: ToolstackSide): void {
    side.create();
    const latched = side.untilShutdown().reason;
    side.same(
      "stays-dirty/shutdown-code",
      "the reason that the toolstack sees, with 1 latched before the request",
      latched,
      SHUTDOWN_reboot,
    );
    side.guest.softReset();
    const next = side.untilShutdown().reason;
    side.same(
      "stays-dirty/shutdown-code-goes",
      "the reason of the next request: the reset has cleared it",
      next,
      SHUTDOWN_soft_reset,
    );
  }
}

/** The time area by virtual address: forgotten by some versions, and written on by others. */
export class TimeArea extends Dirty {
  constructor() {
    super("stays-dirty-time-area");
  }

  /** Xen writes it when it has calibrated its clock, once a second. */
  private isWritten(page: usize): bool {
    const poison: u64 = 0xdead5eeddead5eed;
    for (let at: usize = 0; at < 32; at += 8) store64(page + at, poison);
    for (let i = 0; i < 2; i++) sched.poll(NO_PORTS, systemTime() + 550 * MS);
    for (let at: usize = 0; at < 32; at += 8) if (load64(page + at) != poison) return true;
    return false;
  }

  guest(side: GuestSide): void {
    const page = shared_alloc(1);
    const registered = side.control ? 0 : registerArea(VCPUOP_register_vcpu_time_memory_area, 0, page);
    const before = this.isWritten(page);
    side.reset();
    const after = this.isWritten(page);
    const ok = registered == 0 && before;
    const text =
      "VCPUOP_register_vcpu_time_memory_area = " +
      describeResult(registered) +
      ", and Xen " +
      (before ? "wrote" : "did not write") +
      " there; after the reset it " +
      (after ? "does" : "does not");
    if (side.control) side.check("stays-dirty/time-area", ok, text);
    else
      side.observed(
        "stays-dirty/time-area",
        "time-area-by-virtual-address:" + (after ? "dirty" : "clean"),
        ok,
        text,
      );
  }
}
