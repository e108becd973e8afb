// Who may be reset, when, and by whom (XEN_DOMCTL_soft_reset in xen/common/domctl.c, domain_soft_reset() in
// xen/common/domain.c, evtchn_reset() in xen/common/event_channel.c). The domain has to stand still in two ways: shut down,
// each vCPU by itself, and paused by the toolstack, since its event channels are taken apart. Which reason it
// shut down for is the toolstack's business: Xen does not look. A refusal leaves everything as it was.
//
// In each control the question is asked in the state in which the answer is the other one.

import {
  SHUTDOWN_crash,
  SHUTDOWN_poweroff,
  SHUTDOWN_reboot,
  SHUTDOWN_soft_reset,
  SHUTDOWN_suspend,
} from "xenlet/raw/abi/sched";
import { describeResult } from "xenlet/raw/errno";
import { sched } from "xenlet/internal/sched/sched";
import { systemTime } from "xenlet/internal/time/time";
import { DomainConfig } from "xenlet/toolstack/builder";
import { Domain } from "xenlet/toolstack/domain";
import { GuestSide } from "../guest-side";
import { softResetInNoVersion } from "../raw";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";

/** Above SHUTDOWN_MAX. */
const UNKNOWN_REASON: u32 = 200;
const NO_PORTS: StaticArray<u32> = [];

const EPERM: i64 = 1;
const ESRCH: i64 = 3;
const EINVAL: i64 = 22;
const WHAT = "XEN_DOMCTL_soft_reset";

/** Asked for while the domain has shut down, by a toolstack that does one thing after the other wrong. */
export class WhoMay extends Scenario {
  constructor() {
    super("who-may");
  }

  guest(side: GuestSide): void {
    side.requestReset();
    side.requestReset();
    side.attach();
  }

  onSoftReset(side: ToolstackSide): bool {
    const domain = side.guest.domain;
    if (side.resets > 1) return side.guest.softReset() == 0;

    if (side.control) domain.pause();
    const unpaused = domain.softReset();
    side.result(
      "who-may/not-paused",
      WHAT + " of a domain that is shut down, but not paused",
      unpaused,
      -EINVAL,
    );
    /* In the control it was reset just now. */
    const asked = domain.info();
    side.check(
      "who-may/refusal-changes-nothing",
      asked.isShutdown && asked.reason == SHUTDOWN_soft_reset,
      "afterwards the domain is " +
        (asked.isShutdown ? "" : "not ") +
        "shut down, for reason " +
        asked.reason.toString(),
    );
    if (side.control) return this.breakAll(side);

    domain.pause();
    domain.pause();
    const result = domain.softReset();
    const after = domain.info();
    side.result(
      "who-may/paused-and-shut-down",
      WHAT + " of a domain that is shut down and paused",
      result,
      0,
    );
    side.check(
      "who-may/stays-paused",
      after.isPaused,
      "it is " + (after.isPaused ? "" : "not ") + "paused afterwards",
    );
    side.check(
      "who-may/shut-down-no-more",
      !after.isShutdown && after.reason == 255,
      "it is " + (after.isShutdown ? "" : "not ") + "shut down, with reason " + after.reason.toString(),
    );
    side.result("who-may/second-refused", WHAT + " at once again", domain.softReset(), -EINVAL);
    domain.unpause();
    const nested = domain.info().isPaused;
    side.check(
      "who-may/pauses-nest",
      nested,
      "paused twice and unpaused once, it is " + (nested ? "" : "not ") + "paused",
    );
    side.guest.reconnect();
    return domain.unpause() == 0;
  }

  /** The control, after the first question: the same ones, each with its answer's condition turned round. */
  private breakAll(side: ToolstackSide): bool {
    const domain = side.guest.domain;
    domain.unpause();
    side.guest.reconnect();
    /* It runs, until its second request; nobody pauses it. */
    const info = side.untilShutdown();
    side.result(
      "who-may/paused-and-shut-down",
      WHAT + " of a domain that is shut down, but not paused",
      domain.softReset(),
      0,
    );
    domain.resume();
    const after = domain.info();
    side.check(
      "who-may/stays-paused",
      after.isPaused,
      "resumed without a pause, it is " + (after.isPaused ? "" : "not ") + "paused",
    );
    side.check(
      "who-may/shut-down-no-more",
      info.reason == 255,
      "before it was resumed its reason was " + info.reason.toString(),
    );
    domain.remoteShutdown(SHUTDOWN_soft_reset);
    domain.pause();
    side.result(
      "who-may/second-refused",
      WHAT + " of a domain that has shut down again",
      domain.softReset(),
      -EINVAL,
    );
    domain.unpause();
    const nested = domain.info().isPaused;
    side.check(
      "who-may/pauses-nest",
      nested,
      "paused once and unpaused once, it is " + (nested ? "" : "not ") + "paused",
    );
    return false;
  }
}

/** Other reasons than 5: each is as good. */
export class OtherReasons extends Scenario {
  constructor() {
    super("who-may-other-reasons");
  }

  guest(side: GuestSide): void {
    sched.shutdown(SHUTDOWN_reboot);
    sched.shutdown(SHUTDOWN_suspend);
    sched.shutdown(SHUTDOWN_crash);
    sched.shutdown(SHUTDOWN_poweroff);
    sched.shutdown(UNKNOWN_REASON);
    while (true) sched.poll(NO_PORTS, systemTime() + 100_000_000);
  }

  private reset(side: ToolstackSide, name: string): void {
    const info = side.untilShutdown();
    const domain = side.guest.domain;
    /* The control's domain is not paused, which Xen does mind. */
    if (!side.control) domain.pause();
    const result = domain.softReset();
    side.result(name, WHAT + " of a domain that shut down for reason " + info.reason.toString(), result, 0);
    if (side.control) domain.resume();
    side.guest.reconnect();
    domain.unpause();
  }

  toolstack(side: ToolstackSide): void {
    side.create();
    this.reset(side, "who-may/reason-reboot");
    this.reset(side, "who-may/reason-suspend");
    this.reset(side, "who-may/reason-crash");
    this.reset(side, "who-may/reason-poweroff");
    this.reset(side, "who-may/reason-unknown");
    side.guest.domain.remoteShutdown(SHUTDOWN_soft_reset);
    this.reset(side, "who-may/not-its-own-wish");
  }
}

/** Domains that have not asked. */
export class NotAsked extends Scenario {
  constructor() {
    super("who-may-not-asked");
  }

  guest(side: GuestSide): void {
    side.requestReset();
  }

  toolstack(side: ToolstackSide): void {
    const itself = new Domain(side.control ? 99 : 0);
    side.result(
      "who-may/dom0-itself",
      WHAT + (side.control ? " of nobody" : " of dom0 by itself"),
      itself.softReset(),
      -EINVAL,
    );

    side.createPaused();
    const domain = side.guest.domain;
    if (side.control) {
      domain.unpause();
      side.untilShutdown();
      domain.pause();
    }
    side.result(
      "who-may/never-run",
      WHAT + " of a paused domain that " + (side.control ? "has asked" : "has not"),
      domain.softReset(),
      -EINVAL,
    );
    const id = domain.id;
    if (!side.control) side.dispose();
    const gone = new Domain(id).softReset();
    side.result(
      "who-may/no-such-domain",
      WHAT + " of a domain that " + (side.control ? "is there" : "is gone"),
      gone,
      -ESRCH,
    );
  }
}

/** A guest is nobody's toolstack. */
export class GuestMayNot extends Scenario {
  constructor() {
    super("who-may-guest");
  }

  guest(side: GuestSide): void {
    /* Xen looks at the interface's version before it looks at who asks. */
    const result = side.control ? softResetInNoVersion() : new Domain(0).softReset();
    side.result("who-may/guest-asks", WHAT + " of dom0 by a guest", result, -EPERM);
  }
}

/**
 * A PV domain: the reset takes its event channels, and then Xen finds that there is no way to clean the rest; it
 * crashes the domain. One without vCPUs is enough for that.
 */
export class ParavirtualDomain extends Scenario {
  constructor() {
    super("who-may-pv");
  }

  toolstack(side: ToolstackSide): void {
    const config = new DomainConfig();
    config.memoryMiB = 8;
    config.kind.vcpus = 1;
    if (!side.control) {
      config.kind.flags = 0;
      config.kind.emulation = 0;
    }
    const made = Domain.create(config.kind);
    if (made < 0) {
      side.skip(
        "who-may/pv-refused",
        "Xen makes no PV domain here: XEN_DOMCTL_createdomain = " + describeResult(made),
      );
      side.skip(
        "who-may/pv-crashes",
        "Xen makes no PV domain here: XEN_DOMCTL_createdomain = " + describeResult(made),
      );
      return;
    }
    const domain = new Domain(<u16>made);
    domain.pause();
    const result = domain.softReset();
    const info = domain.info();
    side.result(
      "who-may/pv-refused",
      WHAT + " of a " + (side.control ? "HVM" : "PV") + " domain without vCPUs",
      result,
      -EINVAL,
    );
    side.check(
      "who-may/pv-crashes",
      info.isShutdown && info.reason == SHUTDOWN_crash,
      "it is " + (info.isShutdown ? "" : "not ") + "shut down, for reason " + info.reason.toString(),
    );
    domain.destroy();
  }
}
