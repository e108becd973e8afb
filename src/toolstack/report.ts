// What the toolstack tells whoever runs it: records of its own, and what its domains write to their consoles.

import { debug_port_write } from "xenlet/intrinsics";
import { record } from "xenlet/record";

const NEWLINE: usize = memory.data<u8>([0x0a]);

/** Whether a line holds a record of a guest's own (boot/record.c): those are passed on as they are. */
function isRecord(at: usize, size: u32): bool {
  /* "~x1 " */
  for (let i: u32 = 0; i + 4 <= size; i++) if (load<u32>(at + i) == 0x2031787e) return true;
  return false;
}

let listener: ((domid: u16, line: string) => void) | null = null;

/** From now on the lines of domains' consoles go to `to`, and nowhere else. */
export function onConsoleLine(to: (domid: u16, line: string) => void): void {
  listener = to;
}

/**
 * Passes on a line that domain `domid` wrote to its console. A record goes out as it came, with its own checksum; any
 * other text as a record of ours, because the way out drops what is not printable ASCII.
 */
export function passOnLine(domid: u16, from: usize, size: u32): void {
  const to = listener;
  if (to) to(domid, String.UTF8.decodeUnsafe(from, size));
  else if (isRecord(from, size)) {
    debug_port_write(from, size);
    debug_port_write(NEWLINE, 1);
  } else {
    record("console", "domid=" + domid.toString() + " text=" + String.UTF8.decodeUnsafe(from, size));
  }
}

/** Something happened to a domain: `event` is one word, `details` are further `key=value`. */
export function report(domid: u16, event: string, details: string = ""): void {
  record(
    "domain",
    "domid=" + domid.toString() + " event=" + event + (details.length > 0 ? " " + details : ""),
  );
}
