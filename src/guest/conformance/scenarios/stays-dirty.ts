// What a soft reset does not clean. Each of these is state that a next kernel finds, and mostly does not expect; a kernel
// that kexecs has to prepare it before it asks (docs/kexec.md). They are checked because a suite that is silent
// about them would let one that relies on them, or a Xen that changes them, go unnoticed. If Xen cleans one some day,
// the check fails, and the table of known differences (src/host/suites/conformance/expectations.ts) gets a row.
//
// Here: shared_info, whose page Xen keeps (arch_domain_soft_reset() takes it out of the domain's memory, and clears
// nothing in it), how upcalls come, and what the toolstack sees. Timers are in stays-dirty-timers.ts.
//
// The worst of them is one byte. While evtchn_upcall_pending is set, Xen raises no further upcall
// (vcpu_mark_events_pending(), xen/arch/x86/domain.c): the next kernel, asleep, is not woken by its events. The
// second worst cannot be cleaned at all: a vector for upcalls by the local APIC stays for as long as the domain
// lives (HVMOP_set_evtchn_upcall_vector takes none back).
//
// The reset makes no difference to most: in the controls the thing is not made dirty in the first place.

import { checked, evtchn, sched, systemTime } from "xenlet";
import { EVTCHNSTAT_closed } from "xenlet/raw/abi/event_channel";
import { HVM_PARAM_CONSOLE_EVTCHN } from "xenlet/raw/abi/hvm";
import { sched_poll, SCHEDOP_poll, SHUTDOWN_reboot, SHUTDOWN_soft_reset } from "xenlet/raw/abi/sched";
import {
  SHARED_INFO_EVTCHN_MASK,
  SHARED_INFO_EVTCHN_PENDING,
  SHARED_INFO_WC_SEC,
  VCPU_INFO_EVTCHN_PENDING_SEL,
  VCPU_INFO_EVTCHN_UPCALL_PENDING,
  VIRQ_TIMER,
} from "xenlet/raw/abi/xen";
import { interrupts_off, interrupts_on } from "xenlet/raw/cpu";
import { sched_op } from "xenlet/raw/hypercall";
import { clear_bit, frame_of, load32, load64, load8, store32, store64, store8 } from "xenlet/raw/memory";
import { sharedInfo, useUpcallVector, useVcpuInfo } from "xenlet/raw/shared-info";
import { DONE_BY_DOM0, SEEN_FROM_DOM0, scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { LAPIC_UPCALL_VECTOR, MSR_X2APIC_IRR, lapic_on, msr_read } from "../probes";
import { mapSharedInfo, setSingleshotTimer } from "../raw";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";

const MS: u64 = 1_000_000;

/** struct shared_info ends before here, and the rest of its page is unused. */
const UNUSED: usize = 4000;
const MARK: u32 = 0x5eed0002;
const MASK_WORD: u64 = 0x00ff00ff00ff00f0;
/** Words of the bit maps that no port of these scenarios is in. */
const SOME_WORD: usize = 8 * 8;
const OTHER_WORD: usize = 9 * 8;
const SELECTED: u64 = 1 << 9;

/** The control makes nothing dirty; it is reset like the check. */
export abstract class Dirty extends Scenario {
  get controlIsReset(): bool {
    return true;
  }

  onSoftReset(side: ToolstackSide): bool {
    return side.softReset() == 0;
  }
}

const STAYS_DIRTY_SHARED_INFO = scenario({ name: "stays-dirty-shared-info", area: "What stays dirty" });
const SHARED_INFO = STAYS_DIRTY_SHARED_INFO.check({
  name: "stays-dirty/shared-info",
  title: "shared_info has its old contents when it is mapped again",
});
const EVENT_MASK = STAYS_DIRTY_SHARED_INFO.check({
  name: "stays-dirty/event-mask",
  title: "evtchn_mask is left as it was for the next kernel",
});
const UPCALL_PENDING = STAYS_DIRTY_SHARED_INFO.check({
  name: "stays-dirty/upcall-pending",
  title: "evtchn_upcall_pending, set before the reset, is still set after it",
});
const PENDING_BITS = STAYS_DIRTY_SHARED_INFO.check({
  name: "stays-dirty/pending-bits",
  title: "A bit of evtchn_pending that belongs to no port is still set after the reset",
});
const PENDING_SELECTOR = STAYS_DIRTY_SHARED_INFO.check({
  name: "stays-dirty/pending-selector",
  title: "evtchn_pending_sel is left as it was for the next kernel",
});
const WALL_CLOCK = STAYS_DIRTY_SHARED_INFO.check({
  name: "stays-dirty/wall-clock",
  title: "shared_info's wall clock is unchanged",
});

/** shared_info's contents. */
export class SharedInfoContents extends Dirty {
  constructor() {
    super(STAYS_DIRTY_SHARED_INFO);
  }

  guest(side: GuestSide): void {
    const page = sharedInfo();
    const seconds = load32(page + SHARED_INFO_WC_SEC);
    interrupts_off();
    store32(page + UNUSED, side.control ? 0 : MARK);
    store64(page + SHARED_INFO_EVTCHN_MASK + SOME_WORD, side.control ? 0 : MASK_WORD);
    store64(page + SHARED_INFO_EVTCHN_PENDING + OTHER_WORD, side.control ? 0 : MASK_WORD);
    store8(page + VCPU_INFO_EVTCHN_UPCALL_PENDING, u32(!side.control));
    store64(page + VCPU_INFO_EVTCHN_PENDING_SEL, side.control ? 0 : SELECTED);
    /* As a domain whose clock is set again would see it. */
    if (side.control) store32(page + SHARED_INFO_WC_SEC, seconds + 3600);
    if (side.requestReset() != 0) throw new Error("the soft reset was refused");
    mapSharedInfo(frame_of(page));
    const selector = load64(page + VCPU_INFO_EVTCHN_PENDING_SEL);
    const mark = load32(page + UNUSED);
    const mask = load64(page + SHARED_INFO_EVTCHN_MASK + SOME_WORD);
    const events = load64(page + SHARED_INFO_EVTCHN_PENDING + OTHER_WORD);
    const pending = load8(page + VCPU_INFO_EVTCHN_UPCALL_PENDING);
    const secondsAfter = load32(page + SHARED_INFO_WC_SEC);
    side.attach();
    side.same(SHARED_INFO, "a mark that was left in shared_info, mapped again", mark, MARK);
    side.same(EVENT_MASK, "a word of evtchn_mask", mask, MASK_WORD);
    side.same(PENDING_BITS, "a word of evtchn_pending, of no port", events, MASK_WORD);
    side.same(UPCALL_PENDING, "evtchn_upcall_pending of vCPU 0", pending, 1);
    side.same(PENDING_SELECTOR, "evtchn_pending_sel's bit of that word", selector & SELECTED, SELECTED);
    side.same(WALL_CLOCK, "the wall clock's base, in s", secondsAfter, seconds);
  }
}

const STAYS_DIRTY_HIDDEN_EVENT = scenario({ name: "stays-dirty-hidden-event", area: "What stays dirty" });
const UPCALL_PENDING_HIDES_EVENTS = STAYS_DIRTY_HIDDEN_EVENT.check({
  name: "stays-dirty/upcall-pending-hides-events",
  title: "A stale evtchn_upcall_pending keeps Xen from waking a vCPU of the next kernel",
});

/** What a stale evtchn_upcall_pending does: an event for a vCPU that sleeps, on something else, does not wake it. */
export class HiddenEvent extends Dirty {
  private poll: usize = 0;
  private port: usize = 0;

  constructor() {
    super(STAYS_DIRTY_HIDDEN_EVENT);
  }

  /** Sleeps on `port` until Xen system time `deadline`: the library's poll would look into what is not set up. */
  private sleepOn(port: u32, deadline: u64): void {
    const argument = changetype<sched_poll>(this.poll);
    store<u32>(this.port, port);
    argument.ports = this.port;
    argument.nr_ports = 1;
    argument.timeout = deadline;
    sched_op(SCHEDOP_poll, this.poll);
  }

  guest(side: GuestSide): void {
    this.poll = heap.alloc(offsetof<sched_poll>());
    this.port = heap.alloc(4);
    const page = sharedInfo();
    interrupts_off();
    store8(page + VCPU_INFO_EVTCHN_UPCALL_PENDING, 1);
    if (side.requestReset() != 0) throw new Error("the soft reset was refused");
    /* A next kernel that does not clear it, and in the control one that does. Interrupts stay off. */
    mapSharedInfo(frame_of(page));
    useVcpuInfo(page);
    if (side.control) store8(page + VCPU_INFO_EVTCHN_UPCALL_PENDING, 0);
    const stale = load8(page + VCPU_INFO_EVTCHN_UPCALL_PENDING);
    const timer = <u32>checked("EVTCHNOP_bind_virq", evtchn.bindVirq(VIRQ_TIMER));
    const silent = <u32>checked("EVTCHNOP_bind_ipi", evtchn.bindIpi());
    checked("EVTCHNOP_unmask", evtchn.unmask(timer));
    let slept: u64 = 0;
    for (let tries = 0; tries < 6; tries++) {
      store64(page + VCPU_INFO_EVTCHN_PENDING_SEL, 0);
      const from = systemTime();
      setSingleshotTimer(from + 10 * MS);
      this.sleepOn(silent, from + 150 * MS);
      slept = systemTime() - from;
      /* Much longer, and the machine was too slow for it to show anything. */
      if (slept < 250 * MS) break;
      clear_bit(page + SHARED_INFO_EVTCHN_PENDING, timer);
      store8(page + VCPU_INFO_EVTCHN_UPCALL_PENDING, stale);
    }
    side.attach();
    side.check(
      UPCALL_PENDING_HIDES_EVENTS,
      slept >= 150 * MS,
      "with an event after 10 ms, unmasked, a vCPU slept for " + (slept / MS).toString() + " ms of 150",
    );
  }
}

const STAYS_DIRTY_UPCALL_VECTOR = scenario({ name: "stays-dirty-upcall-vector", area: "What stays dirty" });
const UPCALL_VECTOR = STAYS_DIRTY_UPCALL_VECTOR.check({
  name: "stays-dirty/upcall-vector",
  title: "An upcall vector of the local APIC stays in force",
});

/** A vector for upcalls by the local APIC. */
export class UpcallVector extends Dirty {
  constructor() {
    super(STAYS_DIRTY_UPCALL_VECTOR);
  }

  guest(side: GuestSide): void {
    lapic_on();
    if (!side.control) checked("HVMOP_set_evtchn_upcall_vector", useUpcallVector());
    side.reset();
    interrupts_off();
    const port = <u32>checked("EVTCHNOP_bind_ipi", evtchn.bindIpi());
    checked("EVTCHNOP_unmask", evtchn.unmask(port));
    evtchn.send(port);
    const requested = (msr_read(MSR_X2APIC_IRR + LAPIC_UPCALL_VECTOR / 32) >> (LAPIC_UPCALL_VECTOR % 32)) & 1;
    interrupts_on();
    side.same(UPCALL_VECTOR, "the old vector in the local APIC, after an event", requested, 1);
  }
}

const STAYS_DIRTY_PORT_PARAM = scenario({ name: "stays-dirty-port-param", area: "What stays dirty" });
const CONSOLE_PORT_PARAM = STAYS_DIRTY_PORT_PARAM.check({
  name: "stays-dirty/console-port-param",
  title: "HVM_PARAM_CONSOLE_EVTCHN names a closed port after the reset",
  notUnderXl: SEEN_FROM_DOM0,
});

/** A parameter that names a port which is closed: a kernel that kexecs has to ask for it again, and its toolstack to set it. */
export class ClosedPortParam extends Scenario {
  constructor() {
    super(STAYS_DIRTY_PORT_PARAM);
  }

  guest(side: GuestSide): void {
    side.reset();
  }

  onSoftReset(side: ToolstackSide): bool {
    const domain = side.guest.domain;
    const before = domain.getParam(HVM_PARAM_CONSOLE_EVTCHN);
    if (side.resetPaused() != 0) return false;
    const after = domain.getParam(HVM_PARAM_CONSOLE_EVTCHN);
    const state = domain.portState(<u32>after);
    side.check(
      CONSOLE_PORT_PARAM,
      after == before && state == EVTCHNSTAT_closed,
      "HVM_PARAM_CONSOLE_EVTCHN = " + after.toString() + ", as before, a port in state " + state.toString(),
    );
    side.goOn();
    return true;
  }
}

const STAYS_DIRTY_SHUTDOWN_CODE = scenario({ name: "stays-dirty-shutdown-code", area: "What stays dirty" });
const SHUTDOWN_CODE = STAYS_DIRTY_SHUTDOWN_CODE.check({
  name: "stays-dirty/shutdown-code",
  title: "A latched shutdown code hides the request for a soft reset from the toolstack",
  notUnderXl: DONE_BY_DOM0,
});
const SHUTDOWN_CODE_GOES = STAYS_DIRTY_SHUTDOWN_CODE.check({
  name: "stays-dirty/shutdown-code-goes",
  title: "The reset clears a latched shutdown code",
  notUnderXl: DONE_BY_DOM0,
});

/**
 * SCHEDOP_shutdown_code fixes the reason before the domain shuts down: a request for a soft reset then tells the
 * toolstack something else. The guest cannot read it back.
 */
export class LatchedCode extends Scenario {
  constructor() {
    super(STAYS_DIRTY_SHUTDOWN_CODE);
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
      SHUTDOWN_CODE,
      "the reason that the toolstack sees, with 1 latched before the request",
      latched,
      SHUTDOWN_reboot,
    );
    side.softReset();
    const next = side.untilShutdown().reason;
    side.same(
      SHUTDOWN_CODE_GOES,
      "the reason of the next request: the reset has cleared it",
      next,
      SHUTDOWN_soft_reset,
    );
  }
}
