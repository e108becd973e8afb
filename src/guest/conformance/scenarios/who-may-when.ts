// More of when a domain may be reset. One that runs may not, paused or not; but it need not have asked: shut down by its
// toolstack (SCHEDOP_remote_shutdown), it is reset as well, and goes on wherever it was, without shared_info and events,
// which it does not expect.
//
// And not while another reset of its event channels is under way (evtchn_reset(), xen/common/event_channel.c), which is
// made in steps: -EBUSY. The toolstack's own steps cannot be met, since Xen goes on with them before the caller does
// anything else; but a guest may reset its event channels itself, by EVTCHNOP_reset. Here one does, and shuts down in
// the middle of it: its upcall handler asks for a soft reset. It is refused, the domain left as it was; once it has been
// resumed and is done with its own reset, its next request is granted.
//
// In each control the question is asked in the state in which the answer is the other one.

import { SHUTDOWN_soft_reset } from "xenlet/raw/abi/sched";
import { VCPU_INFO_EVTCHN_UPCALL_PENDING } from "xenlet/raw/abi/xen";
import { describeResult } from "xenlet/raw/errno";
import { evtchn } from "xenlet/internal/events/evtchn";
import { checked } from "xenlet/raw/hypercall";
import { waitForEvents } from "xenlet/internal/loop/loop";
import { interrupts_off, load32, rdtsc, store32 } from "xenlet/raw/intrinsics";
import { sharedInfo } from "xenlet/raw/shared-info";
import { systemTime } from "xenlet/internal/time/time";
import { Domain } from "xenlet/toolstack/domain";
import { GuestSide } from "../guest-side";
import { interrupted_event_reset } from "../probes";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";

const EBUSY: i64 = 16;
const EINVAL: i64 = 22;
const WHAT = "XEN_DOMCTL_soft_reset";

/** struct shared_info ends before here, and nobody uses the rest of its page. */
const UNUSED: usize = 4000;
const MARK: u32 = 0x5eed0005;
const RUNNING = "running";
/** Ticks of the time stamp counter that the guest waits for what does not come: plenty, and little. */
const LONG: u64 = 20_000_000_000;
const SHORT: u64 = 200_000_000;
/** ns that a domain has to begin. */
const SOON: u64 = 5_000_000_000;
/** ns that it has to come from its first line to where it spins. */
const SETTLED: u64 = 10_000_000;

/** A domain that runs. */
abstract class Runs extends Scenario {
  private runs: bool = false;

  onLine(side: ToolstackSide, line: string): void {
    this.runs = this.runs || line == RUNNING;
  }

  protected createRunning(side: ToolstackSide): Domain {
    side.create();
    const deadline = systemTime() + SOON;
    while (!this.runs && systemTime() < deadline) waitForEvents(deadline);
    /* It may still be on its way out of the console. */
    const spins = systemTime() + SETTLED;
    while (systemTime() < spins) waitForEvents(spins);
    return side.guest.domain;
  }

  /** Says that it runs, and spins until shared_info has been taken away from it, or for `ticks`; whether it has. */
  protected spin(ticks: u64): bool {
    const page = sharedInfo();
    store32(page + UNUSED, MARK);
    console.log(RUNNING);
    interrupts_off();
    const deadline = rdtsc() + ticks;
    while (load32(page + UNUSED) == MARK) if (rdtsc() >= deadline) return false;
    return true;
  }
}

export class RunningDomain extends Runs {
  constructor() {
    super("who-may-running");
  }

  guest(side: GuestSide): void {
    this.spin(LONG);
  }

  toolstack(side: ToolstackSide): void {
    const domain = this.createRunning(side);
    if (side.control) domain.remoteShutdown(SHUTDOWN_soft_reset);
    if (side.control) domain.pause();
    const running = domain.softReset();
    if (side.control) domain.remoteShutdown(SHUTDOWN_soft_reset);
    domain.pause();
    const paused = domain.softReset();
    const state = side.control ? "has shut down" : "runs";
    side.result("who-may/running", WHAT + " of a domain that " + state, running, -EINVAL);
    side.result("who-may/running-paused", WHAT + " of one that is paused, and " + state, paused, -EINVAL);
  }
}

/** One that its toolstack has shut down. */
export class ShutDownByToolstack extends Runs {
  constructor() {
    super("who-may-remote");
  }

  guest(side: GuestSide): void {
    const noticed = this.spin(side.control ? SHORT : LONG);
    if (side.requestReset() != 0) throw new Error("the soft reset was refused");
    side.attach();
    side.check(
      "who-may/not-asked-and-goes-on",
      noticed,
      "a guest that had not asked went on, with shared_info " + (noticed ? "gone" : "still there"),
    );
  }

  toolstack(side: ToolstackSide): void {
    const domain = this.createRunning(side);
    if (!side.control) domain.remoteShutdown(SHUTDOWN_soft_reset);
    domain.pause();
    const result = domain.softReset();
    side.result(
      "who-may/shut-down-by-toolstack",
      WHAT + " of a domain that " + (side.control ? "nobody" : "its toolstack") + " has shut down",
      result,
      0,
    );
    side.goOn();
    side.serve();
  }

  onSoftReset(side: ToolstackSide): bool {
    return side.guest.softReset() == 0;
  }
}

/** Ports that make the guest's own reset last for more than one step of 64. */
const PORTS = 200;

export class DuringAnother extends Scenario {
  constructor() {
    super("who-may-during-another");
  }

  guest(side: GuestSide): void {
    for (let i = 0; i < PORTS; i++) checked("EVTCHNOP_bind_ipi", evtchn.bindIpi());
    interrupts_off();
    let interrupted: i64 = 0;
    if (side.control) side.requestReset();
    else
      interrupted = interrupted_event_reset(
        SHUTDOWN_soft_reset,
        sharedInfo() + VCPU_INFO_EVTCHN_UPCALL_PENDING,
      );
    side.reset();
    side.check(
      "who-may/other-reset-goes-on",
      interrupted == 1,
      "EVTCHNOP_reset, interrupted: " + describeResult(interrupted) + " times",
    );
  }

  onSoftReset(side: ToolstackSide): bool {
    const domain = side.guest.domain;
    if (side.resets == 1) {
      domain.pause();
      const result = domain.softReset();
      const info = domain.info();
      side.result("who-may/during-another", WHAT + " in the middle of EVTCHNOP_reset", result, -EBUSY);
      side.check(
        "who-may/busy-changes-nothing",
        info.isShutdown && info.reason == SHUTDOWN_soft_reset,
        "afterwards the domain is " +
          (info.isShutdown ? "" : "not ") +
          "shut down, for reason " +
          info.reason.toString(),
      );
      domain.resume();
      return domain.unpause() == 0;
    }
    /* The control's domain is not paused, which Xen does mind. */
    if (!side.control) domain.pause();
    const result = domain.softReset();
    side.result("who-may/after-another", WHAT + " once EVTCHNOP_reset is done", result, 0);
    if (side.control) return side.guest.softReset() == 0;
    side.goOn();
    return true;
  }
}
