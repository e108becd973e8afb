// Event channels. A soft reset closes every port of the domain but those that Xen itself uses (evtchn_reset(),
// xen/common/event_channel.c): a new kernel finds none bound, and the numbers start over. Without it the old ports
// stay: a VIRQ cannot be bound a second time (-EEXIST), and the numbers go on from where they stood. The far end of a
// port that another domain held becomes unbound: a daemon in dom0 has to offer and bind again, and this suite's
// toolstack shows it.
//
// What each check would do on a Xen that forgot it is what its control sees.

import { EVTCHNSTAT_closed, EVTCHNSTAT_unbound } from "xenlet/raw/abi/event_channel";
import { DOMID_SELF, VIRQ_DEBUG, VIRQ_TIMER } from "xenlet/raw/abi/xen";
import { evtchn } from "xenlet/internal/events/evtchn";
import { GuestSide } from "../guest-side";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";

/** EVTCHNSTAT_* of a port, or Xen's errno. */
function state(port: i64): i64 {
  const status = evtchn.status(<u32>port);
  return status.result == 0 ? status.state : status.result;
}

export class EventChannels extends Scenario {
  constructor() {
    super("event-channels");
  }

  guest(side: GuestSide): void {
    const timer = evtchn.bindVirq(VIRQ_TIMER);
    evtchn.bindVirq(VIRQ_DEBUG);
    const ipi = evtchn.bindIpi();
    const unbound = evtchn.allocUnbound(0);
    const offered = evtchn.allocUnbound(DOMID_SELF);
    const connected = evtchn.bindInterdomain(DOMID_SELF, <u32>offered);
    let last: i64 = 0;
    for (let i = 0; i < 200; i++) last = evtchn.bindIpi();

    side.reset();

    side.result("event-channels/ipi-closed", "the state of an IPI's port", state(ipi), EVTCHNSTAT_closed);
    side.result(
      "event-channels/unbound-closed",
      "the state of an offered port",
      state(unbound),
      EVTCHNSTAT_closed,
    );
    side.result(
      "event-channels/interdomain-closed",
      "the state of a connected port",
      state(connected),
      EVTCHNSTAT_closed,
    );
    side.result(
      "event-channels/other-end-closed",
      "the state of its other end, in the same domain",
      state(offered),
      EVTCHNSTAT_closed,
    );
    side.result(
      "event-channels/high-port-closed",
      "the state of the 207th port",
      state(last),
      EVTCHNSTAT_closed,
    );
    side.result("event-channels/send-refused", "EVTCHNOP_send by an old port", evtchn.send(<u32>ipi), -22);
    side.result(
      "event-channels/virq-timer-rebind",
      "EVTCHNOP_bind_virq(VIRQ_TIMER)",
      evtchn.bindVirq(VIRQ_TIMER),
      timer,
    );
    side.result(
      "event-channels/virq-debug-rebind",
      "EVTCHNOP_bind_virq(VIRQ_DEBUG)",
      evtchn.bindVirq(VIRQ_DEBUG),
      timer + 1,
    );
    side.result("event-channels/numbers-start-over", "the next port", evtchn.bindIpi(), timer + 2);
  }

  onSoftReset(side: ToolstackSide): bool {
    const guest = side.guest;
    const before = evtchn.status(guest.console.port).state;
    if (side.control) guest.domain.resume();
    else {
      guest.domain.pause();
      if (guest.domain.softReset() != 0) return false;
    }
    side.check(
      "event-channels/peer-unbound",
      evtchn.status(guest.console.port).state == EVTCHNSTAT_unbound,
      "dom0's end of the console's port was in state " +
        before.toString() +
        ", and is in " +
        evtchn.status(guest.console.port).state.toString(),
    );
    const channels = guest.reconnect();
    side.same(
      "event-channels/store-offered-first",
      "the port that is offered for the store",
      channels.store.offered,
      1,
    );
    side.same(
      "event-channels/console-offered-second",
      "the port that is offered for the console",
      channels.console.offered,
      2,
    );
    if (!side.control) guest.domain.unpause();
    return true;
  }
}
