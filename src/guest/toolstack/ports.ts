// The event channels between a domain and what serves it: the store's and the console's, in libxl's order. In a domain
// that is new, or reset, they come out as 1 and 2.

import { evtchn } from "xenlet/internal/events/evtchn";
import { checked } from "xenlet/raw/hypercall";
import {
  EVTCHNOP_alloc_unbound,
  EVTCHNOP_bind_interdomain,
  EVTCHNOP_close,
  evtchn_alloc_unbound,
  evtchn_bind_interdomain,
  evtchn_port,
} from "xenlet/raw/abi/event_channel";
import {
  HVMOP_set_param,
  HVM_PARAM_CONSOLE_EVTCHN,
  HVM_PARAM_STORE_EVTCHN,
  xen_hvm_param,
} from "xenlet/raw/abi/hvm";
import { DOMID_SELF, __HYPERVISOR_event_channel_op, __HYPERVISOR_hvm_op } from "xenlet/raw/abi/xen";
import { Multicall } from "./multicall";

/** One of the two: its number in the domain, and at our end. */
export class Channel {
  constructor(
    readonly offered: u32,
    readonly local: u32,
  ) {}
}

export class Channels {
  constructor(
    readonly store: Channel,
    readonly console: Channel,
  ) {}
}

const COUNT: u32 = 2;
const NAMES: StaticArray<string> = ["store", "console"];
const PARAMS: StaticArray<u32> = [HVM_PARAM_STORE_EVTCHN, HVM_PARAM_CONSOLE_EVTCHN];

// One argument for each of the two.
const closes: usize = memory.data(COUNT * offsetof<evtchn_port>(), 4);
const offers: usize = memory.data(COUNT * offsetof<evtchn_alloc_unbound>(), 4);
const params: usize = memory.data(COUNT * offsetof<xen_hvm_param>(), 8);
const binds: usize = memory.data(COUNT * offsetof<evtchn_bind_interdomain>(), 4);

function closeArgument(i: u32): evtchn_port {
  return changetype<evtchn_port>(closes + i * offsetof<evtchn_port>());
}

function offerArgument(i: u32): evtchn_alloc_unbound {
  return changetype<evtchn_alloc_unbound>(offers + i * offsetof<evtchn_alloc_unbound>());
}

function paramArgument(i: u32): xen_hvm_param {
  return changetype<xen_hvm_param>(params + i * offsetof<xen_hvm_param>());
}

function bindArgument(i: u32): evtchn_bind_interdomain {
  return changetype<evtchn_bind_interdomain>(binds + i * offsetof<evtchn_bind_interdomain>());
}

/** Each call's own result, checked as one that the toolstack cannot continue without. */
function run(multicall: Multicall, operations: string[]): void {
  checked("__HYPERVISOR_multicall", multicall.run());
  for (let i = 0; i < operations.length; i++) checked(operations[i], multicall.result(i));
}

/** Closes `before`, and has Xen give the domain two ports that are offered to us. */
function offer(domid: u16, before: Channels | null): void {
  const multicall = new Multicall(2 * COUNT);
  const operations: string[] = [];
  if (before) {
    closeArgument(0).port = before.store.local;
    closeArgument(1).port = before.console.local;
    for (let i: u32 = 0; i < COUNT; i++) {
      const argument = changetype<usize>(closeArgument(i));
      multicall.add(__HYPERVISOR_event_channel_op, EVTCHNOP_close, argument);
      operations.push("EVTCHNOP_close(" + NAMES[i] + ")");
    }
  }
  for (let i: u32 = 0; i < COUNT; i++) {
    const argument = offerArgument(i);
    argument.dom = domid;
    argument.remote_dom = DOMID_SELF;
    multicall.add(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, changetype<usize>(argument));
    operations.push("EVTCHNOP_alloc_unbound(" + NAMES[i] + ")");
  }
  run(multicall, operations);
  for (let i: u32 = 0; before && i < COUNT; i++) evtchn.wasClosed(closeArgument(i).port);
}

/** Tells the domain which they are, and binds to them. */
function bind(domid: u16): void {
  const multicall = new Multicall(2 * COUNT);
  const operations: string[] = [];
  for (let i: u32 = 0; i < COUNT; i++) {
    const argument = paramArgument(i);
    argument.domid = domid;
    argument.index = PARAMS[i];
    argument.value = offerArgument(i).port;
    multicall.add(__HYPERVISOR_hvm_op, HVMOP_set_param, changetype<usize>(argument));
    operations.push("HVMOP_set_param(" + NAMES[i] + ")");
  }
  for (let i: u32 = 0; i < COUNT; i++) {
    const argument = bindArgument(i);
    argument.remote_dom = domid;
    argument.remote_port = offerArgument(i).port;
    multicall.add(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, changetype<usize>(argument));
    operations.push("EVTCHNOP_bind_interdomain(" + NAMES[i] + ")");
  }
  run(multicall, operations);
}

/**
 * Connects the domain, which must not run. `before`: what a reset has broken; our ends of it are unbound now, waiting
 * for a domain that no longer knows them. Ours are masked, and not pending: Xen raises one that is bound, in case that
 * something was missed, and of a domain that stands still nothing is.
 *
 * Two multicalls for the eight operations of a reset, since the second needs to know what the first one returned.
 */
export function connect(domid: u16, before: Channels | null): Channels {
  offer(domid, before);
  bind(domid);
  for (let i: u32 = 0; i < COUNT; i++) {
    const local = bindArgument(i).local_port;
    checked("a port's state (" + NAMES[i] + ")", evtchn.wasBound(local));
    evtchn.clear(local);
  }
  return new Channels(
    new Channel(offerArgument(0).port, bindArgument(0).local_port),
    new Channel(offerArgument(1).port, bindArgument(1).local_port),
  );
}
