// The FIFO event channel ABI. A domain that switched to it gets the 2-level ABI back with the reset, which every new
// kernel begins with (evtchn_reset() calls evtchn_fifo_destroy(), xen/common/event_channel.c). Without that, Xen would go
// on writing events into an array in the old kernel's memory, the new kernel's bit maps would stay empty, and its
// own switch to FIFO would be refused.

import { evtchn } from "xenlet";
import { shared_alloc } from "xenlet/raw/memory";
import { scenario } from "../declare";
import { GuestSide } from "../guest-side";
import { expandArray, setPriority } from "../raw";
import { Scenario } from "../scenario";

const EOPNOTSUPP: i64 = 95;
const ENOSYS: i64 = 38;

const FIFO_SCENARIO = scenario({ name: "fifo", area: "FIFO events" });
const BIT_MAP_AGAIN = FIFO_SCENARIO.check({
  name: "fifo/bit-map-again",
  title: "Events of a domain that used the FIFO ABI are in shared_info's bit map again after the reset",
  broken: "until 4.4, for EVTCHNOP_reset: 400b3bd642",
});
const PRIORITY_REFUSED = FIFO_SCENARIO.check({
  name: "fifo/priority-refused",
  title: "EVTCHNOP_set_priority, which needs the FIFO ABI, is refused with -ENOSYS after the reset",
});
const EXPAND_REFUSED = FIFO_SCENARIO.check({
  name: "fifo/expand-refused",
  title: "EVTCHNOP_expand_array, which needs the FIFO ABI, is refused with -EOPNOTSUPP after the reset",
});
const SWITCH_AGAIN = FIFO_SCENARIO.check({
  name: "fifo/switch-again",
  title: "The next kernel can switch to the FIFO ABI again",
});
const DELIVERS_AGAIN = FIFO_SCENARIO.check({
  name: "fifo/delivers-again",
  title: "A domain that switches to the FIFO ABI a second time receives its events through it",
});

export class FifoEvents extends Scenario {
  constructor() {
    super(FIFO_SCENARIO);
  }

  guest(side: GuestSide): void {
    const spare = shared_alloc(1);
    const port = <u32>evtchn.bindIpi();
    if (evtchn.useFifo() != 0) throw new Error("EVTCHNOP_init_control refused at first");
    if (setPriority(port, 3) != 0) throw new Error("EVTCHNOP_set_priority refused under FIFO");

    side.reset();

    const fresh = <u32>evtchn.bindIpi();
    evtchn.send(fresh);
    side.check(
      BIT_MAP_AGAIN,
      evtchn.isPending(fresh),
      "an event that was sent is " + (evtchn.isPending(fresh) ? "" : "not ") + "in shared_info's bit map",
    );
    side.result(PRIORITY_REFUSED, "EVTCHNOP_set_priority", setPriority(fresh, 3), -ENOSYS);
    side.result(EXPAND_REFUSED, "EVTCHNOP_expand_array", expandArray(spare), -EOPNOTSUPP);
    side.result(SWITCH_AGAIN, "EVTCHNOP_init_control", evtchn.useFifo(), 0);
    evtchn.clear(fresh);
    evtchn.send(fresh);
    side.check(
      DELIVERS_AGAIN,
      evtchn.isFifo() && evtchn.isPending(fresh),
      "after the second switch an event is " +
        (evtchn.isPending(fresh) ? "" : "not ") +
        "pending, by " +
        (evtchn.isFifo() ? "FIFO" : "2-level"),
    );
  }
}
