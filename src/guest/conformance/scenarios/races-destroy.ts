// Pairs of dom0's about a domain's end: XEN_DOMCTL_destroydomain, which takes the domain apart without the lock that other
// domctls hold, against a soft reset of that domain, and against those that only ask.

import { XEN_DOMCTL_getdomaininfo, XEN_DOMCTL_soft_reset } from "xenlet/raw/abi/domctl";
import { EVTCHNOP_alloc_unbound, evtchn_alloc_unbound } from "xenlet/raw/abi/event_channel";
import { SCHEDOP_remote_shutdown, SHUTDOWN_soft_reset, sched_remote_shutdown } from "xenlet/raw/abi/sched";
import { DOMID_SELF } from "xenlet/raw/abi/xen";
import { EBUSY, EINVAL, ENOSPC, ESRCH } from "xenlet/raw/errno";
import { NEEDS_TWO_PCPUS, RACED_VCPUS, RACES, RACE_MS, scenario } from "../declare";
import { DestroyPair } from "../races/destroy-pair";
import { Race } from "../races/race";

const AREA = "Races about a domain's end";

const RESET_DESTROY = scenario({
  name: "races-soft-reset-destroy",
  area: AREA,
  suite: RACES,
  vcpus: RACED_VCPUS,
  costMs: RACE_MS,
});
const RESET_DESTROY_WHOLE = RESET_DESTROY.check({
  name: "races/soft-reset-destroy",
  title:
    "XEN_DOMCTL_soft_reset and XEN_DOMCTL_destroydomain of one domain leave Xen intact and nothing of the domain behind when they run concurrently",
  notUnderXl: NEEDS_TWO_PCPUS,
});
const INFO_DESTROY = scenario({
  name: "races-info-destroy",
  area: AREA,
  suite: RACES,
  vcpus: RACED_VCPUS,
  costMs: RACE_MS,
});
const INFO_DESTROY_WHOLE = INFO_DESTROY.check({
  name: "races/info-destroy",
  title:
    "XEN_DOMCTL_getdomaininfo, which newer releases answer without a lock, and XEN_DOMCTL_destroydomain leave Xen intact and nothing of the domain behind when they run concurrently",
  notUnderXl: NEEDS_TWO_PCPUS,
});

export class ResetDestroy extends DestroyPair {
  constructor() {
    super(RESET_DESTROY, RESET_DESTROY_WHOLE);
  }

  calls(race: Race): void {
    const side = race.left;
    const offer = side.argument(<u32>offsetof<evtchn_alloc_unbound>());
    changetype<evtchn_alloc_unbound>(offer).remote_dom = DOMID_SELF;
    this.names(offer, offsetof<evtchn_alloc_unbound>("dom"));
    side
      .evtchn("EVTCHNOP_alloc_unbound", EVTCHNOP_alloc_unbound, offer)
      .works()
      .may(-EINVAL, "it is dying")
      .may(-ENOSPC, "no port is left")
      .may(-ESRCH, "it is gone");
    const shutdown = side.argument(<u32>offsetof<sched_remote_shutdown>());
    changetype<sched_remote_shutdown>(shutdown).reason = SHUTDOWN_soft_reset;
    this.names(shutdown, offsetof<sched_remote_shutdown>("domain_id"));
    side
      .sched("SCHEDOP_remote_shutdown", SCHEDOP_remote_shutdown, shutdown)
      .works()
      .may(-ESRCH, "it is gone");
    this.onDomain(race, "XEN_DOMCTL_soft_reset", XEN_DOMCTL_soft_reset)
      .may(-EINVAL, "it is dying")
      .may(-EBUSY, "its event channels are being taken apart");
  }
}

export class InfoDestroy extends DestroyPair {
  constructor() {
    super(INFO_DESTROY, INFO_DESTROY_WHOLE);
  }

  calls(race: Race): void {
    for (let i = 0; i < 3; i++) this.onDomain(race, "XEN_DOMCTL_getdomaininfo", XEN_DOMCTL_getdomaininfo);
  }
}
