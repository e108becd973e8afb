// What a race has left of its domain, seen from outside: Xen's own prints, and its free memory once the domain is destroyed.

import { describeResult, systemTime, waitForEvents } from "xenlet";
import { EVTCHNSTAT_closed } from "xenlet/raw/abi/event_channel";
import { ESRCH } from "xenlet/raw/errno";
import { freePages } from "xenlet/raw/toolstack";
import { Domain } from "xenlet/toolstack";
import { ToolstackSide } from "../toolstack-side";
import { countPorts, printedGeneral, printedGrants, printedPorts, restOfLine } from "../xen-prints";

/** ns that a destroyed domain has to go, and its memory to come back: RCU gives back late. */
const GOES_WITHIN: u64 = 5_000_000_000;
const LOOKS_EVERY: u64 = 10_000_000;
/** Pages: making and destroying any domain costs Xen a fraction of one. */
const SLACK: i64 = 4;

/** By the calls that dom0 has for it: ports that are in use. */
function portsInUse(domain: Domain, limit: u32): u32 {
  let used: u32 = 0;
  for (let port: u32 = 1; port <= limit; port++) {
    const state = domain.portState(port);
    if (state > 0 && state != EVTCHNSTAT_closed) used++;
  }
  return used;
}

/** What debug keys e, g and q say against what calls do; empty if they agree, and none of the domain's grants is mapped. */
export function printsDiffer(domain: Domain, portLimit: u32): string {
  const ports = printedPorts(domain);
  const printed = countPorts(ports);
  const used = portsInUse(domain, portLimit);
  if (ports.length > 0 && printed != used)
    return (
      "Xen prints " +
      printed.toString() +
      " event channels of the domain's (debug key e), and EVTCHNOP_status tells " +
      used.toString()
    );
  const grants = printedGrants(domain);
  if (grants > 0)
    return "Xen prints " + grants.toString() + " active grants of the domain's (debug key g), expected none";
  const pages = restOfLine(printedGeneral(domain), "nr_pages=");
  const known = domain.info().totPages.toString();
  return pages.startsWith(known + " ")
    ? ""
    : "Xen prints nr_pages=" + pages + " (debug key q), and XEN_DOMCTL_getdomaininfo tells " + known;
}

/**
 * Waits until domain `id`, destroyed, is freed and Xen has `before` pages free again; what is wrong if that does not come. `more`:
 * pages that may be missing beside, where it is not the first domain since then.
 */
export function isGone(id: u16, before: i64, more: i64 = 0): string {
  const domain = new Domain(id);
  const enough = before - SLACK - more;
  const deadline = systemTime() + GOES_WITHIN;
  while (systemTime() < deadline && (domain.info().result >= 0 || freePages() < enough))
    waitForEvents(systemTime() + LOOKS_EVERY);
  const gone = domain.info().result;
  if (gone != -ESRCH)
    return "XEN_DOMCTL_getdomaininfo of the destroyed domain = " + describeResult(gone) + ", expected -ESRCH";
  const after = freePages();
  return after >= enough
    ? ""
    : "Xen has " +
        after.toString() +
        " pages free, and had " +
        before.toString() +
        " before the domain was made";
}

/** Looks at the domain, which has ended, then destroys it and sees it go; what is wrong, or nothing. `before`: freePages(). */
export function whatIsLeft(side: ToolstackSide, before: i64, portLimit: u32): string {
  const domain = side.guest.domain;
  const differs = printsDiffer(domain, portLimit);
  side.dispose();
  const stays = isGone(domain.id, before);
  return differs.length > 0 ? differs : stays;
}
