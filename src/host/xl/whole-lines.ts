// dom0's lines as it wrote them. Xen takes what dom0 writes in pieces of 127 bytes, and lets go of its console between them
// (guest_console_write(), xen/drivers/char/console.c): what a domain writes to its debug port may come in the midst of a line.

import { hasWholeRecord } from "../protocol/record.js";

/** Before a line of Xen's, or of a domain's debug port. */
const OTHERS = /^\((?:XEN|d\d{1,5})\) /;
const DEBUG_PORT_RECORD = /\(d[1-9]\d{0,4}\) (?:~again )?~x1 /;

export class WholeLines {
  /** The beginning of a line whose end is still to come. */
  #torn: string | null = null;

  /** `prefix`: what every line of dom0's begins with. */
  constructor(private readonly prefix: string) {}

  /** One line of Xen's serial console, as the lines that were written. */
  push(line: string): string[] {
    const torn = this.#torn;
    if (torn !== null) {
      if (OTHERS.test(line)) return [line];
      this.#torn = null;
      // Its end never came, or this is it.
      return line.startsWith(this.prefix) ? [torn, ...this.push(line)] : this.push(torn + line);
    }
    const at = this.#interruption(line);
    if (at === null) return [line];
    this.#torn = line.slice(0, at);
    return [line.slice(at)];
  }

  /** Where a record of a debug port begins within a line of dom0's; null if there is none, or the guest has printed it. */
  #interruption(line: string): number | null {
    const at = DEBUG_PORT_RECORD.exec(line)?.index ?? 0;
    const head = line.slice(0, at);
    if (at === 0 || !(head.startsWith(this.prefix) || this.prefix.startsWith(head))) return null;
    const printed = head.includes("~x1 ") && hasWholeRecord(line);
    return !printed && hasWholeRecord(line.slice(at)) ? at : null;
  }
}
