// Physical interrupts, which in an HVM container are interrupts of emulated devices too: a guest may have them
// delivered as events (XENFEAT_hvm_pirqs), as Linux does.

import { evtchn_bind_pirq, EVTCHNOP_bind_pirq } from "xenlet/raw/abi/event_channel";
import {
  MAP_PIRQ_TYPE_GSI,
  physdev_irq_status_query,
  physdev_map_pirq,
  PHYSDEVOP_irq_status_query,
  PHYSDEVOP_map_pirq,
} from "xenlet/raw/abi/physdev";
import { __HYPERVISOR_physdev_op, DOMID_SELF } from "xenlet/raw/abi/xen";
import { event_channel_op, hypercall2 } from "xenlet/raw/hypercall";

const argument: usize = memory.data(64, 8);

/** Gives emulated interrupt `gsi` a pirq: `pirq`, or if that is -1 the first free one. Returns it, or Xen's errno. */
export function mapPirq(gsi: i32, pirq: i32 = -1): i64 {
  const a = changetype<physdev_map_pirq>(argument);
  memory.fill(argument, 0, offsetof<physdev_map_pirq>());
  a.domid = DOMID_SELF;
  a.type = MAP_PIRQ_TYPE_GSI;
  a.index = gsi;
  a.pirq = pirq;
  const result = hypercall2(__HYPERVISOR_physdev_op, PHYSDEVOP_map_pirq, argument);
  return result < 0 ? result : a.pirq;
}

/** PHYSDEVOP_irq_status_query: 0, or -EINVAL for a pirq that nothing is mapped to. */
export function pirqStatus(pirq: i64): i64 {
  changetype<physdev_irq_status_query>(argument).irq = <u32>pirq;
  return hypercall2(__HYPERVISOR_physdev_op, PHYSDEVOP_irq_status_query, argument);
}

/** The event channel port by which the pirq comes, or Xen's errno: -EEXIST where there is one already. */
export function bindPirq(pirq: i64): i64 {
  const a = changetype<evtchn_bind_pirq>(argument);
  a.pirq = <u32>pirq;
  a.flags = 0;
  const result = event_channel_op(EVTCHNOP_bind_pirq, argument);
  return result < 0 ? result : a.port;
}
