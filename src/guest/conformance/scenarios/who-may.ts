// Who may be reset, when, and by whom (XEN_DOMCTL_soft_reset in xen/common/domctl.c, domain_soft_reset() in
// xen/common/domain.c, evtchn_reset() in xen/common/event_channel.c). The domain has to stand still in two ways: shut down,
// each vCPU by itself, and paused by the toolstack, since its event channels are taken apart. Which reason it
// shut down for is the toolstack's business: Xen does not look. A refusal leaves everything as it was.
//
// In each control the question is asked in the state in which the answer is the other one.

import { sched, systemTime } from "xenlet";
import {
  SHUTDOWN_crash,
  SHUTDOWN_poweroff,
  SHUTDOWN_reboot,
  SHUTDOWN_soft_reset,
  SHUTDOWN_suspend,
} from "xenlet/raw/abi/sched";
import { describeResult } from "xenlet/raw/errno";
import { Domain, DomainConfig } from "xenlet/toolstack";
import { DONE_BY_DOM0, scenario } from "../declare";
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

const WHO_MAY = scenario({ name: "who-may", area: "Who may" });
const NOT_PAUSED = WHO_MAY.check({
  name: "who-may/not-paused",
  title: "A domain that is shut down but not paused by its toolstack is refused a reset with -EINVAL",
  notUnderXl: DONE_BY_DOM0,
});
const REFUSAL_CHANGES_NOTHING = WHO_MAY.check({
  name: "who-may/refusal-changes-nothing",
  title: "A domain that was refused a reset is still shut down for reason 5",
  notUnderXl: DONE_BY_DOM0,
});
const PAUSED_AND_SHUT_DOWN = WHO_MAY.check({
  name: "who-may/paused-and-shut-down",
  title: "A domain that is shut down and paused is reset",
  notUnderXl: DONE_BY_DOM0,
});
const STAYS_PAUSED = WHO_MAY.check({
  name: "who-may/stays-paused",
  title: "A domain stays paused after its reset until its toolstack unpauses it",
  notUnderXl: DONE_BY_DOM0,
});
const SHUT_DOWN_NO_MORE = WHO_MAY.check({
  name: "who-may/shut-down-no-more",
  title: "A domain is no longer shut down after its reset and has no shutdown reason",
  notUnderXl: DONE_BY_DOM0,
});
const SECOND_REFUSED = WHO_MAY.check({
  name: "who-may/second-refused",
  title: "A second reset without a new shutdown is refused with -EINVAL",
  notUnderXl: DONE_BY_DOM0,
});
const PAUSES_NEST = WHO_MAY.check({
  name: "who-may/pauses-nest",
  title: "The reset undoes none of the toolstack's pauses",
  notUnderXl: DONE_BY_DOM0,
});

/** Asked for while the domain has shut down, by a toolstack that does one thing after the other wrong. */
export class WhoMay extends Scenario {
  constructor() {
    super(WHO_MAY);
  }

  guest(side: GuestSide): void {
    side.requestReset();
    side.requestReset();
    side.attach();
  }

  onSoftReset(side: ToolstackSide): bool {
    const domain = side.guest.domain;
    if (side.resets > 1) return side.softReset() == 0;

    if (side.control) domain.pause();
    const unpaused = domain.softReset();
    side.result(NOT_PAUSED, WHAT + " of a domain that is shut down, but not paused", unpaused, -EINVAL);
    /* In the control it was reset just now. */
    const asked = domain.info();
    side.check(
      REFUSAL_CHANGES_NOTHING,
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
    side.result(PAUSED_AND_SHUT_DOWN, WHAT + " of a domain that is shut down and paused", result, 0);
    side.check(STAYS_PAUSED, after.isPaused, "it is " + (after.isPaused ? "" : "not ") + "paused afterwards");
    side.check(
      SHUT_DOWN_NO_MORE,
      !after.isShutdown && after.reason == 255,
      "it is " + (after.isShutdown ? "" : "not ") + "shut down, with reason " + after.reason.toString(),
    );
    side.result(SECOND_REFUSED, WHAT + " at once again", domain.softReset(), -EINVAL);
    domain.unpause();
    const nested = domain.info().isPaused;
    side.check(
      PAUSES_NEST,
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
    /* It runs until its second request; it is not paused. */
    const info = side.untilShutdown();
    side.result(
      PAUSED_AND_SHUT_DOWN,
      WHAT + " of a domain that is shut down, but not paused",
      domain.softReset(),
      0,
    );
    domain.resume();
    const after = domain.info();
    side.check(
      STAYS_PAUSED,
      after.isPaused,
      "resumed without a pause, it is " + (after.isPaused ? "" : "not ") + "paused",
    );
    side.check(
      SHUT_DOWN_NO_MORE,
      info.reason == 255,
      "before it was resumed its reason was " + info.reason.toString(),
    );
    domain.remoteShutdown(SHUTDOWN_soft_reset);
    domain.pause();
    side.result(SECOND_REFUSED, WHAT + " of a domain that has shut down again", domain.softReset(), -EINVAL);
    domain.unpause();
    const nested = domain.info().isPaused;
    side.check(
      PAUSES_NEST,
      nested,
      "paused once and unpaused once, it is " + (nested ? "" : "not ") + "paused",
    );
    return false;
  }
}

const WHO_MAY_OTHER_REASONS = scenario({ name: "who-may-other-reasons", area: "Who may" });
const REASON_REBOOT = WHO_MAY_OTHER_REASONS.check({
  name: "who-may/reason-reboot",
  title: "A domain that shut down to reboot can be reset: Xen does not check the reason",
  notUnderXl: DONE_BY_DOM0,
});
const REASON_SUSPEND = WHO_MAY_OTHER_REASONS.check({
  name: "who-may/reason-suspend",
  title: "A domain that shut down to suspend can be reset",
  notUnderXl: DONE_BY_DOM0,
});
const REASON_CRASH = WHO_MAY_OTHER_REASONS.check({
  name: "who-may/reason-crash",
  title: "A domain that shut down because it crashed can be reset",
  notUnderXl: DONE_BY_DOM0,
});
const REASON_POWEROFF = WHO_MAY_OTHER_REASONS.check({
  name: "who-may/reason-poweroff",
  title: "A domain that shut down to power off can be reset",
  notUnderXl: DONE_BY_DOM0,
});
const REASON_UNKNOWN = WHO_MAY_OTHER_REASONS.check({
  name: "who-may/reason-unknown",
  title: "A domain that shut down for an unknown reason can be reset",
  notUnderXl: DONE_BY_DOM0,
});
const NOT_ITS_OWN_WISH = WHO_MAY_OTHER_REASONS.check({
  name: "who-may/not-its-own-wish",
  title: "A domain that dom0 shut down by SCHEDOP_remote_shutdown can be reset",
  notUnderXl: DONE_BY_DOM0,
});

/** Other reasons than 5: each is as good. */
export class OtherReasons extends Scenario {
  constructor() {
    super(WHO_MAY_OTHER_REASONS);
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
    this.reset(side, REASON_REBOOT);
    this.reset(side, REASON_SUSPEND);
    this.reset(side, REASON_CRASH);
    this.reset(side, REASON_POWEROFF);
    this.reset(side, REASON_UNKNOWN);
    side.guest.domain.remoteShutdown(SHUTDOWN_soft_reset);
    this.reset(side, NOT_ITS_OWN_WISH);
  }
}

const WHO_MAY_NOT_ASKED = scenario({ name: "who-may-not-asked", area: "Who may" });
const DOM0_ITSELF = WHO_MAY_NOT_ASKED.check({
  name: "who-may/dom0-itself",
  title: "dom0 is refused a reset of itself with -EINVAL",
  notUnderXl: DONE_BY_DOM0,
});
const NEVER_RUN = WHO_MAY_NOT_ASKED.check({
  name: "who-may/never-run",
  title: "A domain that has not shut down is refused a reset with -EINVAL",
  notUnderXl: DONE_BY_DOM0,
});
const NO_SUCH_DOMAIN = WHO_MAY_NOT_ASKED.check({
  name: "who-may/no-such-domain",
  title: "A reset of a domain that does not exist is refused with -ESRCH",
  notUnderXl: DONE_BY_DOM0,
});

/** Domains that have not asked. */
export class NotAsked extends Scenario {
  constructor() {
    super(WHO_MAY_NOT_ASKED);
  }

  guest(side: GuestSide): void {
    side.requestReset();
  }

  toolstack(side: ToolstackSide): void {
    const itself = new Domain(side.control ? 99 : 0);
    side.result(
      DOM0_ITSELF,
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
      NEVER_RUN,
      WHAT + " of a paused domain that " + (side.control ? "has asked" : "has not"),
      domain.softReset(),
      -EINVAL,
    );
    const id = domain.id;
    if (!side.control) side.dispose();
    const gone = new Domain(id).softReset();
    side.result(
      NO_SUCH_DOMAIN,
      WHAT + " of a domain that " + (side.control ? "is there" : "is gone"),
      gone,
      -ESRCH,
    );
  }
}

const WHO_MAY_GUEST = scenario({ name: "who-may-guest", area: "Who may" });
const GUEST_ASKS = WHO_MAY_GUEST.check({
  name: "who-may/guest-asks",
  title: "A guest that calls XEN_DOMCTL_soft_reset itself is refused with -EPERM",
});

/** A guest is not a toolstack. */
export class GuestMayNot extends Scenario {
  constructor() {
    super(WHO_MAY_GUEST);
  }

  guest(side: GuestSide): void {
    /* Xen looks at the interface's version before it looks at who asks. */
    const result = side.control ? softResetInNoVersion() : new Domain(0).softReset();
    side.result(GUEST_ASKS, WHAT + " of dom0 by a guest", result, -EPERM);
  }
}

const WHO_MAY_PV = scenario({ name: "who-may-pv", area: "Who may" });
const PV_REFUSED = WHO_MAY_PV.check({
  name: "who-may/pv-refused",
  title: "A PV domain is refused a reset with -EINVAL",
  notUnderXl: DONE_BY_DOM0,
});
const PV_CRASHES = WHO_MAY_PV.check({
  name: "who-may/pv-crashes",
  title: "A PV domain that was refused a reset is crashed by Xen",
  notUnderXl: DONE_BY_DOM0,
});

/**
 * A PV domain: the reset takes its event channels, and then Xen finds that there is no way to clean the rest; it
 * crashes the domain. One without vCPUs is enough for that.
 */
export class ParavirtualDomain extends Scenario {
  constructor() {
    super(WHO_MAY_PV);
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
      side.skip(PV_REFUSED, "Xen makes no PV domain here: XEN_DOMCTL_createdomain = " + describeResult(made));
      side.skip(PV_CRASHES, "Xen makes no PV domain here: XEN_DOMCTL_createdomain = " + describeResult(made));
      return;
    }
    const domain = new Domain(<u16>made);
    domain.pause();
    const result = domain.softReset();
    const info = domain.info();
    side.result(
      PV_REFUSED,
      WHAT + " of a " + (side.control ? "HVM" : "PV") + " domain without vCPUs",
      result,
      -EINVAL,
    );
    side.check(
      PV_CRASHES,
      info.isShutdown && info.reason == SHUTDOWN_crash,
      "it is " + (info.isShutdown ? "" : "not ") + "shut down, for reason " + info.reason.toString(),
    );
    domain.destroy();
  }
}
