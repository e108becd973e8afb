// What the next kernel finds, and can use before it has set up anything: the callback of the old one still delivers, the far end of
// a port waits for it to bind, and the page in shared_info's place has nothing in it of anybody else's.

import { checked, describeResult, evtchn, sched } from "xenlet";
import { EVTCHNSTAT_interdomain } from "xenlet/raw/abi/event_channel";
import { HVM_PARAM_CONSOLE_EVTCHN } from "xenlet/raw/abi/hvm";
import { VCPU_INFO_EVTCHN_PENDING_SEL, VCPU_INFO_EVTCHN_UPCALL_PENDING } from "xenlet/raw/abi/xen";
import { interrupts_off, interrupts_on } from "xenlet/raw/cpu";
import { hvmParam } from "xenlet/raw/hvm-param";
import { frame_of, load64, shared_alloc, store64, store8 } from "xenlet/raw/memory";
import { sharedInfo, take_upcall, useVcpuInfo } from "xenlet/raw/shared-info";
import { SEEN_FROM_DOM0, scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { mapSharedInfo } from "../raw";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";
import { Dirty } from "./stays-dirty";

const CALLBACK = scenario({ name: "next-kernel-callback", area: "What stays dirty" });
const CALLBACK_DELIVERS = CALLBACK.check({
  name: "stays-dirty/callback-delivers",
  title:
    "The old kernel's callback vector is raised for an event of the next kernel until that kernel sets its own",
});
const PEER = scenario({ name: "next-kernel-peer", area: "Event channels" });
const PEER_WAITS = PEER.check({
  name: "event-channels/peer-can-be-bound",
  title: "The next kernel can bind to dom0's end of a port that was connected before the reset",
  notUnderXl: SEEN_FROM_DOM0,
});
const PAGE = scenario({ name: "next-kernel-page", area: "shared_info" });
const PAGE_CONTENTS = PAGE.check({
  name: "shared-info/page-contents",
  title: "The page in shared_info's place has zeroes or the domain's own old data in it, and nothing else",
});

export class CallbackDelivers extends Dirty {
  constructor() {
    super(CALLBACK);
  }

  guest(side: GuestSide): void {
    const page = sharedInfo();
    interrupts_off();
    const result = side.requestReset();
    if (result != 0) throw new Error("the soft reset was refused: " + describeResult(result));
    mapSharedInfo(frame_of(page));
    useVcpuInfo(page);
    store64(page + VCPU_INFO_EVTCHN_PENDING_SEL, 0);
    store8(page + VCPU_INFO_EVTCHN_UPCALL_PENDING, 0);
    const port = <u32>checked("EVTCHNOP_bind_ipi", evtchn.bindIpi());
    checked("EVTCHNOP_unmask", evtchn.unmask(port));
    take_upcall();
    interrupts_on();
    /* The control's event stays away. */
    if (!side.control) evtchn.send(port);
    sched.yield();
    interrupts_off();
    const upcall = take_upcall() != 0;
    side.attach();
    side.check(CALLBACK_DELIVERS, upcall, "an event raised the upcall vector: " + (upcall ? "yes" : "no"));
  }
}

export class PeerCanBeBound extends Scenario {
  private state: i64 = 0;

  constructor() {
    super(PEER);
  }

  guest(side: GuestSide): void {
    const peer = evtchn.status(<u32>hvmParam(HVM_PARAM_CONSOLE_EVTCHN)).remotePort;
    interrupts_off();
    const result = side.requestReset();
    if (result != 0) throw new Error("the soft reset was refused: " + describeResult(result));
    const bound = evtchn.bindInterdomain(0, peer);
    /* dom0 looks. */
    side.requestReset();
    side.attach();
    if (bound < 0) console.log("EVTCHNOP_bind_interdomain = " + describeResult(bound));
  }

  onSoftReset(side: ToolstackSide): bool {
    const guest = side.guest;
    const port = guest.console.port;
    if (side.resets == 1) {
      /* The control's daemon has closed its end. */
      if (side.resetPaused() != 0) return false;
      if (side.control) evtchn.close(port);
      return guest.domain.unpause() == 0;
    }
    const status = evtchn.status(port);
    side.check(
      PEER_WAITS,
      status.result == 0 && status.state == EVTCHNSTAT_interdomain && status.domain == guest.domain.id,
      "dom0's end of the console's port is in state " +
        status.state.toString() +
        ", of domain " +
        status.domain.toString(),
    );
    return !side.control && side.softReset() == 0;
  }
}

const OWN: u64 = 0x0f1e2d3c4b5a6978;

export class PageContents extends Scenario {
  constructor() {
    super(PAGE);
  }

  get controlIsReset(): bool {
    return true;
  }

  guest(side: GuestSide): void {
    const old = sharedInfo();
    const place = shared_alloc(1);
    /* The page that shared_info covers is freed, and may come back: what is in it is this domain's own. */
    for (let i: u32 = 0; i < 4096; i += 8) store64(place + i, OWN);
    mapSharedInfo(frame_of(place));
    interrupts_off();
    const result = side.requestReset();
    if (result != 0) throw new Error("the soft reset was refused: " + describeResult(result));
    if (side.control) store64(place + 2048, 1);
    let strange = 0;
    for (let i: u32 = 0; i < 4096; i += 8) {
      const word = load64(place + i);
      if (word != 0 && word != OWN) strange++;
    }
    mapSharedInfo(frame_of(old));
    side.attach();
    side.same(
      PAGE_CONTENTS,
      "words that are neither 0 nor what this domain had in its page, of 512",
      strange,
      0,
    );
  }

  onSoftReset(side: ToolstackSide): bool {
    return side.softReset() == 0;
  }
}
