// Event channels. A soft reset closes every port of the domain but those that Xen itself uses (evtchn_reset(),
// xen/common/event_channel.c): a new kernel finds none bound, and the numbers start over. Without it the old ports
// stay: a VIRQ cannot be bound a second time (-EEXIST), and the numbers continue from where they stood. The far end of a
// port that another domain held becomes unbound: a daemon in dom0 has to offer and bind again, and this suite's
// toolstack shows it.
//
// What each check would do on a Xen that forgot it is what its control sees.

import { evtchn } from "xenlet";
import { EVTCHNSTAT_closed, EVTCHNSTAT_unbound } from "xenlet/raw/abi/event_channel";
import { DOMID_SELF, VIRQ_DEBUG, VIRQ_TIMER } from "xenlet/raw/abi/xen";
import { SEEN_FROM_DOM0, scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { Scenario } from "../scenario";
import { ToolstackSide } from "../toolstack-side";

/** EVTCHNSTAT_* of a port, or Xen's errno. */
function state(port: i64): i64 {
  const status = evtchn.status(<u32>port);
  return status.result == 0 ? status.state : status.result;
}

const EVENT_CHANNELS = scenario({ name: "event-channels", area: "Event channels" });
const VIRQ_TIMER_REBIND = EVENT_CHANNELS.check({
  name: "event-channels/virq-timer-rebind",
  title: "VIRQ_TIMER, bound before the reset, can be bound again and gets the same port number",
});
const VIRQ_DEBUG_REBIND = EVENT_CHANNELS.check({
  name: "event-channels/virq-debug-rebind",
  title: "VIRQ_DEBUG, bound before the reset, can be bound again and gets the same port number",
});
const NUMBERS_START_OVER = EVENT_CHANNELS.check({
  name: "event-channels/numbers-start-over",
  title: "The numbers of new ports start over after a soft reset",
});
const IPI_CLOSED = EVENT_CHANNELS.check({
  name: "event-channels/ipi-closed",
  title: "An IPI's port is closed by the reset",
});
const UNBOUND_CLOSED = EVENT_CHANNELS.check({
  name: "event-channels/unbound-closed",
  title: "A port offered to another domain is closed by the reset",
});
const INTERDOMAIN_CLOSED = EVENT_CHANNELS.check({
  name: "event-channels/interdomain-closed",
  title: "A connected port is closed by the reset",
});
const OTHER_END_CLOSED = EVENT_CHANNELS.check({
  name: "event-channels/other-end-closed",
  title: "The other end of a connected port is closed by the reset if the same domain holds it",
});
const HIGH_PORT_CLOSED = EVENT_CHANNELS.check({
  name: "event-channels/high-port-closed",
  title: "The 207th port is closed like the first: the reset continues where it was preempted",
});
const SEND_REFUSED = EVENT_CHANNELS.check({
  name: "event-channels/send-refused",
  title: "Sending an event to a port bound before the reset is refused with -EINVAL",
});
const PEER_UNBOUND = EVENT_CHANNELS.check({
  name: "event-channels/peer-unbound",
  title: "dom0's end of a connected port becomes unbound by the reset",
  notUnderXl: SEEN_FROM_DOM0,
});
const STORE_OFFERED_FIRST = EVENT_CHANNELS.check({
  name: "event-channels/store-offered-first",
  title: "The store's port, offered by the toolstack after the reset, is 1 again",
  notUnderXl: SEEN_FROM_DOM0,
});
const CONSOLE_OFFERED_SECOND = EVENT_CHANNELS.check({
  name: "event-channels/console-offered-second",
  title: "The console's port, offered by the toolstack after the reset, is 2 again",
  notUnderXl: SEEN_FROM_DOM0,
});

export class EventChannels extends Scenario {
  constructor() {
    super(EVENT_CHANNELS);
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

    side.result(IPI_CLOSED, "the state of an IPI's port", state(ipi), EVTCHNSTAT_closed);
    side.result(UNBOUND_CLOSED, "the state of an offered port", state(unbound), EVTCHNSTAT_closed);
    side.result(INTERDOMAIN_CLOSED, "the state of a connected port", state(connected), EVTCHNSTAT_closed);
    side.result(
      OTHER_END_CLOSED,
      "the state of its other end, in the same domain",
      state(offered),
      EVTCHNSTAT_closed,
    );
    side.result(HIGH_PORT_CLOSED, "the state of the 207th port", state(last), EVTCHNSTAT_closed);
    side.result(SEND_REFUSED, "EVTCHNOP_send by an old port", evtchn.send(<u32>ipi), -22);
    side.result(VIRQ_TIMER_REBIND, "EVTCHNOP_bind_virq(VIRQ_TIMER)", evtchn.bindVirq(VIRQ_TIMER), timer);
    side.result(VIRQ_DEBUG_REBIND, "EVTCHNOP_bind_virq(VIRQ_DEBUG)", evtchn.bindVirq(VIRQ_DEBUG), timer + 1);
    side.result(NUMBERS_START_OVER, "the next port", evtchn.bindIpi(), timer + 2);
  }

  onSoftReset(side: ToolstackSide): bool {
    const guest = side.guest;
    const before = evtchn.status(guest.console.port).state;
    if (side.control) guest.domain.resume();
    else {
      guest.domain.pause();
      if (side.accepted(guest.domain.softReset()) != 0) return false;
    }
    side.check(
      PEER_UNBOUND,
      evtchn.status(guest.console.port).state == EVTCHNSTAT_unbound,
      "dom0's end of the console's port was in state " +
        before.toString() +
        ", and is in " +
        evtchn.status(guest.console.port).state.toString(),
    );
    const channels = guest.reconnect();
    side.same(STORE_OFFERED_FIRST, "the port that is offered for the store", channels.store.offered, 1);
    side.same(
      CONSOLE_OFFERED_SECOND,
      "the port that is offered for the console",
      channels.console.offered,
      2,
    );
    if (!side.control) guest.domain.unpause();
    return true;
  }
}
