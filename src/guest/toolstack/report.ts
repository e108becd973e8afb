// What the toolstack reports to the host: records of its own, and what its domains write to their consoles.

import { record_pass_on } from "xenlet/internal/intrinsics";
import { record } from "xenlet/internal/console/record";

/** What a record's line is at most, of printable ASCII, and what it begins with (boot/record.c). */
const RECORD_LINE: u32 = 189;
/* "~x1 " */
const RECORD_MAGIC: u32 = 0x2031787e;

/** Whether a line is one of a domain's own records. */
function isRecord(at: usize, size: u32): bool {
  if (size < 4 || size > RECORD_LINE || load<u32>(at) != RECORD_MAGIC) return false;
  for (let i: u32 = 0; i < size; i++) {
    const byte = load<u8>(at + i);
    if (byte < 0x20 || byte > 0x7e) return false;
  }
  return true;
}

let listener: ((domid: u16, line: string) => void) | null = null;

/**
 * From now on the lines of domains' consoles go to `to`, and nowhere else; one of more than 4096 bytes comes in
 * several parts.
 */
export function onConsoleLine(to: (domid: u16, line: string) => void): void {
  listener = to;
}

/**
 * Passes on a line, or a part of one, that domain `domid` wrote to its console. A record goes out as it came, with its
 * own checksum; any other text as a record of the toolstack's, because the way out drops what is not printable ASCII.
 */
export function passOnLine(domid: u16, from: usize, size: u32, ends: bool): void {
  const to = listener;
  if (to) to(domid, String.UTF8.decodeUnsafe(from, size));
  else if (ends && isRecord(from, size)) {
    record_pass_on(from, size);
  } else {
    const head = "domid=" + domid.toString() + (ends ? "" : " more=1");
    record("console", head + " text=" + String.UTF8.decodeUnsafe(from, size));
  }
}

/** Something happened to a domain: `event` is one word, `details` are further `key=value`. */
export function report(domid: u16, event: string, details: string = ""): void {
  record(
    "domain",
    "domid=" + domid.toString() + " event=" + event + (details.length > 0 ? " " + details : ""),
  );
}
