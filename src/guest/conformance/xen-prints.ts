// What Xen prints of one domain when a debug key is pressed: the second observer, beside what calls tell. Its wording differs
// between versions, so that as little of it as can be is looked at.

import { pressDebugKey } from "xenlet/raw/toolstack";
import { Domain } from "xenlet/toolstack";

/** The rest of the line after the first `from`; empty if there is none. */
export function restOfLine(text: string, from: string): string {
  const at = text.indexOf(from);
  if (at < 0) return "";
  const end = text.indexOf("\n", at);
  return text.substring(at + from.length, end < 0 ? text.length : end);
}

function isDigit(text: string, at: i32): bool {
  const code = at < text.length ? text.charCodeAt(at) : 0;
  return code >= 48 && code <= 57;
}

/** The part of `text` that is about domain `id`: from `heading` and its number to the next one. */
function aboutDomain(text: string, heading: string, id: u16): string {
  const mark = heading + id.toString();
  let at = text.indexOf(mark);
  /* Domain 1's is not domain 12's. */
  while (at >= 0 && isDigit(text, at + mark.length)) at = text.indexOf(mark, at + 1);
  if (at < 0) return "";
  const next = text.indexOf(heading, at + heading.length);
  return text.substring(at, next < 0 ? text.length : next);
}

/** Key q: its pages, its vCPUs, how often it is paused. Empty if Xen prints nothing about it. */
export function printedGeneral(domain: Domain): string {
  return aboutDomain(pressDebugKey("q"), "General information for domain ", domain.id);
}

/** Key e: its event channels. Empty if Xen prints nothing about it. */
export function printedPorts(domain: Domain): string {
  return aboutDomain(pressDebugKey("e"), "Event channel information for domain ", domain.id);
}

/** How many event channels that are in use key e's text has: each says its state. */
export function countPorts(printed: string): u32 {
  return printed.split(": s=").length - 1;
}

/** Key g: how many of its grants are mapped, each a line "[0x008]      1 0x…". */
export function printedGrants(domain: Domain): u32 {
  return aboutDomain(pressDebugKey("g"), "grant-table for remote d", domain.id).split("[0x").length - 1;
}
