// The FIFO event channel ABI. A domain that switched to it gets the 2-level ABI back with the reset, which every new
// kernel begins with (evtchn_reset() calls evtchn_fifo_destroy(), xen/common/event_channel.c). Without that, Xen would go
// on writing events into an array in the old kernel's memory, the new kernel's bit maps would stay empty, and its
// own switch to FIFO would be refused.

import { evtchn } from "xenlet/internal/events/evtchn";
import { shared_alloc } from "xenlet/raw/intrinsics";
import { GuestSide } from "../guest-side";
import { expandArray, setPriority } from "../raw";
import { Scenario } from "../scenario";

const EOPNOTSUPP: i64 = 95;
const ENOSYS: i64 = 38;

export class FifoEvents extends Scenario {
  constructor() {
    super("fifo");
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
      "fifo/bit-map-again",
      evtchn.isPending(fresh),
      "an event that was sent is " + (evtchn.isPending(fresh) ? "" : "not ") + "in shared_info's bit map",
    );
    side.result("fifo/priority-refused", "EVTCHNOP_set_priority", setPriority(fresh, 3), -ENOSYS);
    side.result("fifo/expand-refused", "EVTCHNOP_expand_array", expandArray(spare), -EOPNOTSUPP);
    side.result("fifo/switch-again", "EVTCHNOP_init_control", evtchn.useFifo(), 0);
    evtchn.clear(fresh);
    evtchn.send(fresh);
    side.check(
      "fifo/delivers-again",
      evtchn.isFifo() && evtchn.isPending(fresh),
      "after the second switch an event is " +
        (evtchn.isPending(fresh) ? "" : "not ") +
        "pending, by " +
        (evtchn.isFifo() ? "FIFO" : "2-level"),
    );
  }
}
