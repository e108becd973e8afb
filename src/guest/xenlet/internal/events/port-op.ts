// The argument of EVTCHNOP_* hypercalls, one for all: no call is made from within another.

import { event_channel_op } from "../../raw/hypercall";
import { evtchn_port, evtchn_status } from "../../raw/abi/event_channel";

/** As large as the largest of them, struct evtchn_status. */
@lazy export const argument: usize = memory.data(offsetof<evtchn_status>(), 8);

/** An operation whose argument is the port alone. */
export function portOp(cmd: u32, port: u32): i64 {
  changetype<evtchn_port>(argument).port = port;
  return event_channel_op(cmd, argument);
}
