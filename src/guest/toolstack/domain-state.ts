// What Xen says of a domain, in words: the part of its state that a soft reset is about.

import { HVM_PARAM_CALLBACK_IRQ, HVM_PARAM_CONSOLE_EVTCHN, HVM_PARAM_STORE_EVTCHN } from "xenlet/raw/abi/hvm";
import { Domain } from "./domain";

/** Ports that are looked at. */
const PORTS: u32 = 16;
/** EVTCHNSTAT_*, event_channel.h. */
const STATES = ["closed", "unbound", "interdomain", "pirq", "virq", "ipi"];

/** What domainState() has, in its order. */
export const DOMAIN_STATE = [
  "shut down",
  "shutdown reason",
  "paused",
  "pages",
  "shared_info at frame",
  "HVM_PARAM_CALLBACK_IRQ",
  "HVM_PARAM_STORE_EVTCHN",
  "HVM_PARAM_CONSOLE_EVTCHN",
  "event channels",
];

function hex(value: u64): string {
  return value == u64.MAX_VALUE || value == u32.MAX_VALUE ? "nowhere" : "0x" + value.toString(16);
}

/** What getdomaininfo, the HVM parameters and the event channels say now. Some twenty hypercalls. */
export function domainState(domain: Domain): Array<string> {
  const info = domain.info();
  const ports: Array<string> = [];
  for (let port: u32 = 1; port < PORTS; port++) {
    const state = domain.portState(port);
    if (state > 0 && state < STATES.length) ports.push(port.toString() + " " + STATES[<i32>state]);
  }
  return [
    info.isShutdown ? "yes" : "no",
    info.reason == 255 ? "none" : info.reason.toString(),
    info.isPaused ? "yes" : "no",
    info.totPages.toString(),
    hex(info.sharedInfoFrame),
    hex(domain.getParam(HVM_PARAM_CALLBACK_IRQ)),
    domain.getParam(HVM_PARAM_STORE_EVTCHN).toString(),
    domain.getParam(HVM_PARAM_CONSOLE_EVTCHN).toString(),
    ports.length == 0 ? "none" : ports.join(", "),
  ];
}

/** As a record's field, where a space would end it. */
export function stateField(text: string): string {
  return text.replaceAll("%", "%25").replaceAll(" ", "%20");
}
