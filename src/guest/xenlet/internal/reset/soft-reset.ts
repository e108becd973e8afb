// Soft reset, the guest's side: SCHEDOP_shutdown with SHUTDOWN_soft_reset. The toolstack puts the domain's event
// channels, shared_info, vcpu_info and runstate areas back as they were when it was created (domain_soft_reset,
// xen/common/domain.c), and the guest continues after the hypercall, with its memory and registers. What Xen leaves
// as it is (docs/kexec.md has the list) the guest prepares itself, before.
//
//   prepare()   each part of the runtime that is in use, in sequence; if one refuses, all are undone
//   request()   the hypercall. Once it has returned 0, there is no shared_info and there are no events
//   xen.attach()   sets everything up again, as at the first boot

import { console_attach, console_drained, interrupts_off, interrupts_on } from "../intrinsics";
import { SHUTDOWN_soft_reset } from "../../raw/abi/sched";
import { EBUSY, ETIME } from "../../raw/errno";
import { clearUpcall } from "../events/masks";
import { PartOrder, knownParts } from "./part";
import { Preparation, Step, StepObserver } from "./preparation";
import { record } from "../console/record";
import { forgetLatchedShutdown, latchedShutdown, sched } from "../sched/sched";
import {
  attachSharedInfo,
  detachSharedInfo,
  mappedSharedInfo,
  mappedVcpuInfo,
  unusedVcpuInfo,
} from "../events/shared-info";
import { systemTime } from "../time/time";

export namespace xen {
  /**
   * Sets everything up again after softReset.request(), with the functions that do so at the first boot: shared_info, if it
   * was in use, at its old address, every port masked and none bound, the 2-level ABI, no event handlers, vCPU 0's vcpu_info in
   * shared_info, and the other vCPUs as if they had never run. What was bound, registered or started is the
   * program's to do again; JavaScript's timers continue.
   */
  export function attach(): void {
    attachSharedInfo();
    console_attach();
    record("boot", "stage=attached");
    /* Event channels first: they drop what was bound, and the parts before them in the list bind it again. */
    const parts = knownParts();
    for (let i = parts.length - 1; i >= 0; i--) {
      parts[i].attached();
      parts[i].renewed = false;
    }
  }

  /**
   * The counterpart of attach(), without a soft reset: interrupts are off, shared_info is unmapped, and the runtime has
   * forgotten what was bound, registered and started, though Xen still has all of it. A program calls this before it
   * jumps to another kernel without a reset, or to see what that kernel then finds.
   */
  export function detach(): void {
    interrupts_off();
    letGo(false);
  }
}

/**
 * A reason that SCHEDOP_shutdown_code has fixed comes before the one that request() asks for: the toolstack would
 * end the domain. Xen lets no guest read it, so this covers only those fixed by sched.shutdownCode().
 */
class ShutdownCode extends Step {
  constructor() {
    super("shutdown code");
  }

  run(): i64 {
    const reason = latchedShutdown();
    if (reason < 0 || reason == SHUTDOWN_soft_reset) return 0;
    this.detail = "SCHEDOP_shutdown_code has fixed the reason " + reason.toString();
    return -EBUSY;
  }
}

/** ns that a console daemon has to read what is in the ring. */
const DRAIN_WITHIN: u64 = 1_000_000_000;

/** The ring outlives the reset, but its event channel does not: output not read by then may stay unread. */
class Console extends Step {
  constructor() {
    super("console");
  }

  run(): i64 {
    let deadline: u64 = 0;
    while (!console_drained()) {
      const now = systemTime();
      if (deadline == 0) deadline = now + DRAIN_WITHIN;
      if (now >= deadline) return -ETIME;
      sched.yield();
    }
    return 0;
  }
}

/**
 * No upcall from here on. Ports are masked by now (evtchn.ts), so no new one arises; one that was raised before is
 * taken back, since a stale evtchn_upcall_pending keeps Xen from ever raising the next (vcpu_mark_events_pending,
 * xen/arch/x86/domain.c), and the reset leaves it as it is. What a toolstack bound raises events, whether this program
 * ever wanted to know or not.
 */
class Upcall extends Step {
  constructor() {
    super("event upcall");
  }

  run(): i64 {
    interrupts_off();
    const used = mappedVcpuInfo();
    /* The selector as well, for the way back: unmasking raises an event only where its bit is not set yet. */
    clearUpcall(used != 0 ? used : unusedVcpuInfo());
    return 0;
  }

  undo(): void {
    if (mappedVcpuInfo() != 0) interrupts_on();
  }
}

@lazy let prepared: Preparation | null = null;
@lazy let failure: string = "";

/** The steps of prepare(): `jump` says that another kernel comes after the reset. */
export function softResetSteps(jump: bool): Array<Step> {
  const parts = knownParts();
  const steps: Array<Step> = [new ShutdownCode()];
  let at = 0;
  while (at < parts.length && parts[at].order < PartOrder.CONSOLE) at++;
  for (let i = 0; i < at; i++) steps.push(parts[i]);
  steps.push(new Console());
  for (let i = at; i < parts.length; i++) steps.push(parts[i]);
  steps.push(new Upcall());
  for (let i = 0; i < parts.length; i++) {
    parts[i].jump = jump;
    parts[i].detail = "";
  }
  return steps;
}

export namespace softReset {
  /**
   * Prepares the state that a soft reset does not clean, in steps that are reported to `observer`: watchdogs, timers, other
   * vCPUs, memory that Xen writes by its virtual address, grants, rings, event channels, the upcall. From here to
   * request() or undo() nothing else is to be done: no event comes.
   *
   * Returns 0; or the errno of the step that failed, and then everything is as it was: why() says which and why.
   * A grant that another domain has mapped is not a failure: it stays, and active() of grant.ts has it.
   */
  export function prepare(observer: StepObserver | null = null): i64 {
    return run(new Preparation(softResetSteps(false), observer));
  }

  /** Runs a longer list of steps in prepare()'s place: kexec's. */
  export function run(preparation: Preparation): i64 {
    assert(!prepared, "prepared already: request() it, or undo() it");
    const result = preparation.run();
    failure = preparation.failure;
    if (result == 0) prepared = preparation;
    return result;
  }

  /** Undoes prepare(): the guest continues as if it had not been called. No effect if it was not. */
  export function undo(): void {
    const preparation = prepared;
    if (!preparation) return;
    prepared = null;
    preparation.undo();
  }

  /** Whether prepare() is done, and neither undo() nor request() has come since. */
  export function isPrepared(): bool {
    return prepared != null;
  }

  /** What kept the last prepare(): the step, Xen's errno, and more where there is more to say. Empty if nothing did. */
  export function why(): string {
    return failure;
  }

  /**
   * SCHEDOP_shutdown(SHUTDOWN_soft_reset). Returns Xen's number, 0, when the toolstack resumes the domain. From
   * then on there are no shared_info, event channels or Xen clocks: call xen.attach() before anything that needs
   * them. A toolstack that does not know the reason ends the domain, and this never returns; in a domain that is
   * Xen's dom0, Xen restarts the machine.
   *
   * Not prepared, it is the bare operation. A refusal, which Xen has none of, leaves everything as it is.
   */
  export function request(): i64 {
    const preparation = prepared;
    interrupts_off();
    const result = sched.shutdown(SHUTDOWN_soft_reset);
    if (result != 0) {
      if (!preparation && mappedSharedInfo() != 0) interrupts_on();
      return result;
    }
    letGo(false);
    return result;
  }
}

/** The domain is as new, and what was prepared is over. `renewed`: it is another one, with the same memory. */
export function letGo(renewed: bool): void {
  prepared = null;
  forgetLatchedShutdown();
  detachSharedInfo();
  const parts = knownParts();
  for (let i = 0; i < parts.length; i++) {
    parts[i].renewed = renewed;
    parts[i].detached();
  }
}
