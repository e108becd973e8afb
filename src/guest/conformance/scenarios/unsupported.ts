// A toolstack that does not know SHUTDOWN_soft_reset, as all were before 2015. It takes the domain for ended, and
// destroys it: the guest never comes back from the call, and never gets to its jump. The 2015 change to Linux says so in
// its commit text, by what xl prints: "Unknown shutdown reason code 5. Destroying domain." Nothing about it can be
// detected by the guest beforehand.

import { sched } from "xenlet";
import { SHUTDOWN_crash, SHUTDOWN_soft_reset } from "xenlet/raw/abi/sched";
import { describeResult } from "xenlet/raw/errno";
import { DONE_BY_DOM0, scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";

const UNSUPPORTED = scenario({ name: "unsupported", area: "No support" });
const REASON_REACHES_TOOLSTACK = UNSUPPORTED.check({
  name: "unsupported/reason-reaches-toolstack",
  title: "A toolstack that does not support soft reset sees shutdown reason 5",
  notUnderXl: DONE_BY_DOM0,
});
const DOMAIN_IS_GONE = UNSUPPORTED.check({
  name: "unsupported/domain-is-gone",
  title: "A domain whose toolstack does not support soft reset is destroyed, and its request never returns",
  notUnderXl: DONE_BY_DOM0,
});

export class Unsupported extends Scenario {
  constructor() {
    super(UNSUPPORTED);
  }

  guest(side: GuestSide): void {
    /* The control is a guest that ends for another reason. */
    if (side.control) sched.shutdown(SHUTDOWN_crash);
    side.requestReset();
  }

  toolstack(side: ToolstackSide): void {
    side.create();
    const info = side.untilShutdown();
    side.check(
      REASON_REACHES_TOOLSTACK,
      info.isShutdown && info.reason == SHUTDOWN_soft_reset,
      "the domain shut down for reason " +
        info.reason.toString() +
        (info.reason == SHUTDOWN_soft_reset ? ". Unknown shutdown reason code 5. Destroying domain." : ""),
    );
    const domain = side.guest.domain;
    if (!side.control) side.dispose();
    const after = domain.info();
    side.check(
      DOMAIN_IS_GONE,
      after.result < 0 || after.isDying,
      "XEN_DOMCTL_getdomaininfo = " + describeResult(after.result),
    );
    side.dispose();
  }
}
