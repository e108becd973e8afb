// Pairs of dom0's about soft reset: XEN_DOMCTL_soft_reset of a domain against what else dom0 does to that domain, on another vCPU.
// A toolstack does not, but backends do: a console's, a disk's or a network's daemon sends events, maps and unmaps grants
// whenever it likes, and another tool asks for the domain's state.

import { grant } from "xenlet/grant";
import {
  EVTCHNOP_alloc_unbound,
  EVTCHNOP_bind_interdomain,
  EVTCHNOP_close,
  EVTCHNOP_send,
  EVTCHNOP_status,
  evtchn_alloc_unbound,
  evtchn_bind_interdomain,
  evtchn_status,
} from "xenlet/raw/abi/event_channel";
import {
  XEN_DOMCTL_getdomaininfo,
  XEN_DOMCTL_pausedomain,
  XEN_DOMCTL_resumedomain,
  XEN_DOMCTL_unpausedomain,
} from "xenlet/raw/abi/domctl";
import {
  XENMAPSPACE_gmfn_foreign,
  XENMEM_add_to_physmap_batch,
  XENMEM_remove_from_physmap,
  xen_add_to_physmap_batch,
  xen_remove_from_physmap,
} from "xenlet/raw/abi/memory";
import { SHUTDOWN_soft_reset, SHUTDOWN_suspend } from "xenlet/raw/abi/sched";
import { DOMID_SELF } from "xenlet/raw/abi/xen";
import { EAGAIN, EBUSY, EINVAL, ENOENT, ENOSPC } from "xenlet/raw/errno";
import { frame_of, shared_alloc } from "xenlet/raw/memory";
import { takeHole } from "xenlet/raw/toolstack";
import { NEEDS_TWO_PCPUS, RACED_VCPUS, RACES, RACE_MS, scenario } from "../declare";
import { MapAndUnmap } from "../races/grant-mapping";
import { Race, RaceStep, Side } from "../races/race";
import { ResetPair, remoteShutdown } from "../races/reset-pair";

const AREA = "Races about soft reset";

const RESET_CHANNEL = scenario({
  name: "races-soft-reset-channel",
  area: AREA,
  suite: RACES,
  vcpus: RACED_VCPUS,
  costMs: RACE_MS,
});
const RESET_CHANNEL_WHOLE = RESET_CHANNEL.check({
  name: "races/soft-reset-channel",
  title:
    "XEN_DOMCTL_soft_reset and dom0's EVTCHNOP_alloc_unbound, bind_interdomain, send and close of the domain's channel leave Xen and the domain intact when they run concurrently",
  notUnderXl: NEEDS_TWO_PCPUS,
});
const RESET_GRANT = scenario({
  name: "races-soft-reset-grant",
  area: AREA,
  suite: RACES,
  vcpus: RACED_VCPUS,
  costMs: RACE_MS,
});
const RESET_GRANT_WHOLE = RESET_GRANT.check({
  name: "races/soft-reset-grant",
  title:
    "XEN_DOMCTL_soft_reset and dom0's mapping and unmapping of a grant of the domain's leave Xen and the domain intact when they run concurrently",
  notUnderXl: NEEDS_TWO_PCPUS,
});
const RESET_FOREIGN = scenario({
  name: "races-soft-reset-foreign",
  area: AREA,
  suite: RACES,
  vcpus: RACED_VCPUS,
  costMs: RACE_MS,
});
const RESET_FOREIGN_WHOLE = RESET_FOREIGN.check({
  name: "races/soft-reset-foreign",
  title:
    "XEN_DOMCTL_soft_reset and dom0's mapping of the frame where shared_info is leave Xen and the domain intact when they run concurrently",
  notUnderXl: NEEDS_TWO_PCPUS,
});
const RESET_SHUTDOWN = scenario({
  name: "races-soft-reset-shutdown",
  area: AREA,
  suite: RACES,
  vcpus: RACED_VCPUS,
  costMs: RACE_MS,
});
const RESET_SHUTDOWN_WHOLE = RESET_SHUTDOWN.check({
  name: "races/soft-reset-shutdown",
  title:
    "XEN_DOMCTL_soft_reset and SCHEDOP_remote_shutdown, XEN_DOMCTL_resumedomain, pause and getdomaininfo leave Xen and the domain intact when they run concurrently",
  notUnderXl: NEEDS_TWO_PCPUS,
});
const RESET_TWICE = scenario({
  name: "races-soft-reset-twice",
  area: AREA,
  suite: RACES,
  vcpus: RACED_VCPUS,
  costMs: RACE_MS,
});
const RESET_TWICE_WHOLE = RESET_TWICE.check({
  name: "races/soft-reset-twice",
  title: "Two XEN_DOMCTL_soft_reset of one domain leave Xen and the domain intact when they run concurrently",
  notUnderXl: NEEDS_TWO_PCPUS,
});

/** An offer of one of the domain's ports to dom0; where its number is. */
function offer(side: Side, domid: u16): usize {
  const argument = side.argument(<u32>offsetof<evtchn_alloc_unbound>());
  changetype<evtchn_alloc_unbound>(argument).dom = domid;
  changetype<evtchn_alloc_unbound>(argument).remote_dom = DOMID_SELF;
  side
    .evtchn("EVTCHNOP_alloc_unbound", EVTCHNOP_alloc_unbound, argument)
    .works()
    .may(-ENOSPC, "no port is left");
  return argument + offsetof<evtchn_alloc_unbound>("port");
}

export class ResetChannel extends ResetPair {
  constructor() {
    super(RESET_CHANNEL, RESET_CHANNEL_WHOLE);
  }

  meet(race: Race, domid: u16): void {
    this.resets(race.left, domid).may(-EAGAIN, "a port was bound meanwhile");
    const side = race.right;
    const offered = offer(side, domid);
    const bind = side.argument(<u32>offsetof<evtchn_bind_interdomain>());
    changetype<evtchn_bind_interdomain>(bind).remote_dom = domid;
    side.program.copy(offered, bind + offsetof<evtchn_bind_interdomain>("remote_port"));
    side
      .evtchn("EVTCHNOP_bind_interdomain", EVTCHNOP_bind_interdomain, bind)
      .works()
      .may(-EINVAL, "the offer is gone");
    const local = bind + offsetof<evtchn_bind_interdomain>("local_port");
    for (let i = 0; i < 2; i++)
      side
        .evtchn("EVTCHNOP_send", EVTCHNOP_send, local)
        .works()
        .may(-EINVAL, "it was not bound, or is not connected any more");
    const status = side.argument(<u32>offsetof<evtchn_status>());
    changetype<evtchn_status>(status).dom = domid;
    side.program.copy(offered, status + offsetof<evtchn_status>("port"));
    side.evtchn("EVTCHNOP_status", EVTCHNOP_status, status).works().may(-EINVAL, "the port is gone");
    side.evtchn("EVTCHNOP_close", EVTCHNOP_close, local).works().may(-EINVAL, "it was not bound");
  }
}

export class ResetGrant extends ResetPair {
  constructor() {
    super(RESET_GRANT, RESET_GRANT_WHOLE);
  }

  prepare(): u64 {
    return <u64>grant.access(0, frame_of(shared_alloc(1)));
  }

  meet(race: Race, domid: u16): void {
    this.resets(race.left, domid);
    new MapAndUnmap(race.right, <u32>this.prepared, domid);
  }
}

export class ResetForeign extends ResetPair {
  constructor() {
    super(RESET_FOREIGN, RESET_FOREIGN_WHOLE);
  }

  meet(race: Race, domid: u16): void {
    this.resets(race.left, domid);
    const side = race.right;
    const hole = side.argument(8);
    store<u64>(hole, frame_of(takeHole()));
    const frame = side.argument(8);
    store<u64>(frame, this.frame);
    const error = side.argument(4);
    const map = side.argument(<u32>offsetof<xen_add_to_physmap_batch>());
    const m = changetype<xen_add_to_physmap_batch>(map);
    m.domid = DOMID_SELF;
    m.space = <u16>XENMAPSPACE_gmfn_foreign;
    m.size = 1;
    m.u = domid;
    m.idxs = frame;
    m.gpfns = hole;
    m.errs = error;
    this.answeredAt(side.memory("XENMEM_add_to_physmap_batch", XENMEM_add_to_physmap_batch, map), error)
      .works()
      .may(-EINVAL, "nothing is there just now");
    const remove = side.argument(<u32>offsetof<xen_remove_from_physmap>());
    changetype<xen_remove_from_physmap>(remove).domid = DOMID_SELF;
    changetype<xen_remove_from_physmap>(remove).gpfn = load<u64>(hole);
    side
      .memory("XENMEM_remove_from_physmap", XENMEM_remove_from_physmap, remove)
      .works()
      .may(-ENOENT, "it was not mapped");
  }

  /** Where one frame's own error stands: a small negative number, of which the lower half is enough. */
  private answeredAt(step: RaceStep, error: usize): RaceStep {
    step.step.statusAt(error);
    return step;
  }
}

export class ResetShutdown extends ResetPair {
  constructor() {
    super(RESET_SHUTDOWN, RESET_SHUTDOWN_WHOLE);
  }

  meet(race: Race, domid: u16): void {
    this.resets(race.left, domid).may(-EINVAL, "it was resumed meanwhile");
    const side = race.right;
    remoteShutdown(side, domid, SHUTDOWN_suspend);
    side.domctl("XEN_DOMCTL_pausedomain", XEN_DOMCTL_pausedomain, domid).works();
    side.domctl("XEN_DOMCTL_getdomaininfo", XEN_DOMCTL_getdomaininfo, domid).works();
    side.domctl("XEN_DOMCTL_resumedomain", XEN_DOMCTL_resumedomain, domid).works();
    side.domctl("XEN_DOMCTL_unpausedomain", XEN_DOMCTL_unpausedomain, domid).works();
    remoteShutdown(side, domid, SHUTDOWN_soft_reset);
  }
}

export class ResetTwice extends ResetPair {
  constructor() {
    super(RESET_TWICE, RESET_TWICE_WHOLE);
  }

  meet(race: Race, domid: u16): void {
    this.both(race.left, domid);
    this.both(race.right, domid);
  }

  private both(side: Side, domid: u16): void {
    offer(side, domid);
    this.resets(side, domid)
      .may(-EINVAL, "the other one has reset it already")
      .may(-EBUSY, "another reset is going on")
      .may(-EAGAIN, "a port was bound meanwhile");
  }
}
