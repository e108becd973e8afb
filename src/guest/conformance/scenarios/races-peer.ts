// A second domain meets a soft reset: it is connected to the one that is reset, sends events to it and connects again, on its own,
// as a driver domain's frontends and backends do. dom0 resets that one over and over meanwhile, and offers it a port each time.
//
// In the control the second domain begins when dom0 is done.

import { commandLineValue } from "xenlet";
import {
  EVTCHNOP_alloc_unbound,
  EVTCHNOP_bind_interdomain,
  EVTCHNOP_close,
  EVTCHNOP_send,
  evtchn_alloc_unbound,
  evtchn_bind_interdomain,
} from "xenlet/raw/abi/event_channel";
import { EAGAIN, EINVAL, ENOSPC } from "xenlet/raw/errno";
import { Guest } from "xenlet/toolstack";
import { NEEDS_TWO_PCPUS, RACED_VCPUS, RACES, RACE_MS, scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { Elsewhere, runWatched, sideToWatch } from "../races/elsewhere";
import { raceMs } from "../races/pair";
import { Race } from "../races/race";
import { ResetPair } from "../races/reset-pair";
import { ToolstackSide } from "../toolstack-side";

const RESET_PEER = scenario({
  name: "races-soft-reset-peer",
  area: "Races about soft reset",
  suite: RACES,
  vcpus: RACED_VCPUS,
  costMs: RACE_MS,
});
const RESET_PEER_WHOLE = RESET_PEER.check({
  name: "races/soft-reset-peer",
  title:
    "XEN_DOMCTL_soft_reset and a second domain's EVTCHNOP_bind_interdomain, send and close of a channel to the domain leave Xen and both domains intact when they run concurrently",
  notUnderXl: NEEDS_TWO_PCPUS,
});

/** The first port that is offered after a reset has this number: the domain has none. */
const FIRST_PORT: u32 = 1;

export class ResetPeer extends ResetPair {
  private peer: Guest | null = null;
  private readonly program: Elsewhere = new Elsewhere();

  constructor() {
    super(RESET_PEER, RESET_PEER_WHOLE);
  }

  /** Runs in the second domain: connects to the first port of the one that is reset, for as long as it lives. */
  private runPeer(target: u16): void {
    const side = sideToWatch();
    const bind = side.argument(<u32>offsetof<evtchn_bind_interdomain>());
    changetype<evtchn_bind_interdomain>(bind).remote_dom = target;
    changetype<evtchn_bind_interdomain>(bind).remote_port = FIRST_PORT;
    side
      .evtchn("EVTCHNOP_bind_interdomain", EVTCHNOP_bind_interdomain, bind)
      .works()
      .may(-EINVAL, "nothing is offered just now");
    const local = bind + offsetof<evtchn_bind_interdomain>("local_port");
    for (let i = 0; i < 2; i++)
      side.evtchn("EVTCHNOP_send", EVTCHNOP_send, local).works().may(-EINVAL, "it was not bound");
    side.evtchn("EVTCHNOP_close", EVTCHNOP_close, local).works().may(-EINVAL, "it was not bound");
    runWatched(side, U64.parseInt(raceMs()));
  }

  guest(side: GuestSide): void {
    const target = commandLineValue("peer_of");
    if (target.length > 0) this.runPeer(<u16>U32.parseInt(target));
    else super.guest(side);
  }

  onLine(side: ToolstackSide, line: string): void {
    super.onLine(side, line);
    this.program.onLine(line);
  }

  /** Both domains are there before either is raced. */
  protected begin(side: ToolstackSide): void {
    this.peer = side.createBeside(2, "peer_of=" + side.guest.domain.id.toString());
  }

  meet(race: Race, domid: u16): void {
    this.resets(race.left, domid).may(-EAGAIN, "a port was bound meanwhile");
    const offer = race.left.argument(<u32>offsetof<evtchn_alloc_unbound>());
    changetype<evtchn_alloc_unbound>(offer).dom = domid;
    changetype<evtchn_alloc_unbound>(offer).remote_dom = this.peer!.domain.id;
    race.left
      .evtchn("EVTCHNOP_alloc_unbound", EVTCHNOP_alloc_unbound, offer)
      .works()
      .may(-ENOSPC, "no port is left");
  }

  protected run(race: Race): void {
    const peer = this.peer!;
    if (race.inTurns) race.run();
    peer.domain.unpause();
    this.program.meet(race, peer.domain.id);
    peer.destroy();
  }
}
