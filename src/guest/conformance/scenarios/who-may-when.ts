// More of when a domain may be reset. One that runs may not, paused or not; but it need not have asked: shut down by its
// toolstack (SCHEDOP_remote_shutdown), it is reset as well, and continues wherever it was, without shared_info and events,
// which it does not expect.
//
// And not while another reset of its event channels is under way (evtchn_reset(), xen/common/event_channel.c), which is
// made in steps: -EBUSY. The toolstack's own steps cannot be observed, since Xen continues them before the caller does
// anything else; but a guest may reset its event channels itself, by EVTCHNOP_reset. Here one does, and shuts down in
// the middle of it: its upcall handler asks for a soft reset. It is refused, the domain left as it was; once it has been
// resumed and is done with its own reset, its next request is granted.
//
// In each control the question is asked in the state in which the answer is the other one.

import { checked, evtchn, systemTime, waitForEvents } from "xenlet";
import { SHUTDOWN_soft_reset } from "xenlet/raw/abi/sched";
import { VCPU_INFO_EVTCHN_UPCALL_PENDING } from "xenlet/raw/abi/xen";
import { interrupts_off, rdtsc } from "xenlet/raw/cpu";
import { describeResult } from "xenlet/raw/errno";
import { load32, store32 } from "xenlet/raw/memory";
import { sharedInfo } from "xenlet/raw/shared-info";
import { Domain } from "xenlet/toolstack";
import { DONE_BY_DOM0, scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { interrupted_event_reset } from "../probes";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";

const EBUSY: i64 = 16;
const EINVAL: i64 = 22;
const WHAT = "XEN_DOMCTL_soft_reset";

/** struct shared_info ends before here, and the rest of its page is unused. */
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
    /* It may still be in the console's ring. */
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

const WHO_MAY_RUNNING = scenario({ name: "who-may-running", area: "Who may" });
const CHECK_RUNNING = WHO_MAY_RUNNING.check({
  name: "who-may/running",
  title: "A running domain is refused a reset with -EINVAL",
  notUnderXl: DONE_BY_DOM0,
});
const RUNNING_PAUSED = WHO_MAY_RUNNING.check({
  name: "who-may/running-paused",
  title: "A running domain that is only paused is refused a reset with -EINVAL",
  notUnderXl: DONE_BY_DOM0,
});

export class RunningDomain extends Runs {
  constructor() {
    super(WHO_MAY_RUNNING);
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
    side.result(CHECK_RUNNING, WHAT + " of a domain that " + state, running, -EINVAL);
    side.result(RUNNING_PAUSED, WHAT + " of one that is paused, and " + state, paused, -EINVAL);
  }
}

const WHO_MAY_REMOTE = scenario({ name: "who-may-remote", area: "Who may" });
const SHUT_DOWN_BY_TOOLSTACK = WHO_MAY_REMOTE.check({
  name: "who-may/shut-down-by-toolstack",
  title: "A domain shut down by its toolstack can be reset without having requested it",
  notUnderXl: DONE_BY_DOM0,
});
const NOT_ASKED_AND_GOES_ON = WHO_MAY_REMOTE.check({
  name: "who-may/not-asked-and-goes-on",
  title: "A domain reset without having requested it continues where it was, without shared_info",
  notUnderXl: DONE_BY_DOM0,
});

/** One that its toolstack has shut down. */
export class ShutDownByToolstack extends Runs {
  constructor() {
    super(WHO_MAY_REMOTE);
  }

  guest(side: GuestSide): void {
    const noticed = this.spin(side.control ? SHORT : LONG);
    if (side.requestReset() != 0) throw new Error("the soft reset was refused");
    side.attach();
    side.check(
      NOT_ASKED_AND_GOES_ON,
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
      SHUT_DOWN_BY_TOOLSTACK,
      WHAT + " of a domain that " + (side.control ? "nobody" : "its toolstack") + " has shut down",
      result,
      0,
    );
    side.goOn();
    side.serve();
  }

  onSoftReset(side: ToolstackSide): bool {
    return side.softReset() == 0;
  }
}

/** Ports that make the guest's own reset last for more than one step of 64. */
const PORTS = 200;

const WHO_MAY_DURING_ANOTHER = scenario({ name: "who-may-during-another", area: "Who may" });
const DURING_ANOTHER = WHO_MAY_DURING_ANOTHER.check({
  name: "who-may/during-another",
  title: "A domain in the middle of its own EVTCHNOP_reset is refused a soft reset with -EBUSY",
  notUnderXl: DONE_BY_DOM0,
  broken: "until 4.14.0, two resets at once: XSA-344",
});
const BUSY_CHANGES_NOTHING = WHO_MAY_DURING_ANOTHER.check({
  name: "who-may/busy-changes-nothing",
  title: "A domain that was refused a reset with -EBUSY is still shut down for reason 5",
  notUnderXl: DONE_BY_DOM0,
});
const OTHER_RESET_GOES_ON = WHO_MAY_DURING_ANOTHER.check({
  name: "who-may/other-reset-goes-on",
  title: "An EVTCHNOP_reset that a refused soft reset interrupted is completed once the domain is resumed",
  notUnderXl: DONE_BY_DOM0,
});
const AFTER_ANOTHER = WHO_MAY_DURING_ANOTHER.check({
  name: "who-may/after-another",
  title: "A domain whose own EVTCHNOP_reset is complete can be soft-reset",
  notUnderXl: DONE_BY_DOM0,
});

export class DuringAnother extends Scenario {
  constructor() {
    super(WHO_MAY_DURING_ANOTHER);
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
      OTHER_RESET_GOES_ON,
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
      side.result(DURING_ANOTHER, WHAT + " in the middle of EVTCHNOP_reset", result, -EBUSY);
      side.check(
        BUSY_CHANGES_NOTHING,
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
    side.result(AFTER_ANOTHER, WHAT + " once EVTCHNOP_reset is done", result, 0);
    if (side.control) return side.softReset() == 0;
    side.goOn();
    return true;
  }
}
