// What dom0 says (xl/dom0/init), in the words that the reader of a boot knows: dom0 takes the place of the toolstack
// that makes a domain elsewhere, so its lines become records of that toolstack.

import { encodeRecord, hasWholeRecord } from "../protocol/record.js";

/** xl_vmcontrol.c of Xen's: "Domain 1 has shut down, reason code 5 0x5". */
const SHUT_DOWN = /^Domain \d+ has shut down, reason code (?<reason>\d+) /;

/** Before a line of Xen's, or of a domain's debug port. */
const OTHERS = /^\((?:XEN|d\d{1,5})\) /;
const DEBUG_PORT_RECORD = /\(d[1-9]\d{0,4}\) (?:~again )?~x1 /;

export class Dom0Lines {
  readonly #prefix: string;
  readonly #nonce: string;
  #seq = 0;
  /** The reason that xl saw last. */
  #reason: string | null = null;
  /** What xl said last, for when it fails. */
  #complaint = "";
  #over = false;
  /** The beginning of a line whose end is still to come. */
  #torn: string | null = null;

  constructor(nonce: string) {
    this.#nonce = nonce;
    this.#prefix = `~d0 ${nonce} `;
  }

  /** One line of Xen's serial console, as the lines that a monitor with this nonce for its toolstack takes. */
  read(line: string): string[] {
    const torn = this.#torn;
    if (torn !== null && !line.startsWith(this.#prefix)) {
      if (OTHERS.test(line)) return [line];
      this.#torn = null;
      return this.#readWhole(torn + line);
    }
    this.#torn = null;
    const given = torn === null ? [] : this.#readWhole(torn);
    const at = this.#interruption(line);
    if (at === null) return [...given, ...this.#readWhole(line)];
    this.#torn = line.slice(0, at);
    return [...given, line.slice(at)];
  }

  /**
   * Where a record of a domain's debug port begins in the midst of one of dom0's lines; null if there is none. Xen takes what
   * dom0 writes in pieces of 127 bytes, and lets go of its console between them (guest_console_write(),
   * xen/drivers/char/console.c). Of a guest that prints what looks like that, the record around it is whole.
   */
  #interruption(line: string): number | null {
    if (!line.startsWith(this.#prefix) || hasWholeRecord(line)) return null;
    const at = DEBUG_PORT_RECORD.exec(line)?.index;
    return at !== undefined && hasWholeRecord(line.slice(at)) ? at : null;
  }

  #readWhole(line: string): string[] {
    if (!line.startsWith(this.#prefix)) return [line];
    const words = line.slice(this.#prefix.length);
    const space = words.indexOf(" ");
    const what = space < 0 ? words : words.slice(0, space);
    const text = space < 0 ? "" : words.slice(space + 1);
    switch (what) {
      case "stage":
        return this.#record("boot", `stage=${text}`);
      case "console":
        return [`(d1) ${text}`];
      case "failed":
        return this.#record("fatal", `dom0: ${text}`);
      case "xl":
        this.#reason = SHUT_DOWN.exec(text)?.groups?.["reason"] ?? this.#reason;
        if (text !== "") this.#complaint = text;
        return [`xl: ${text}`];
      case "ended":
        return this.#ended(Number(text));
      default:
        return [`dom0: ${what}: ${text}`];
    }
  }

  /** xl has exited, and everything that it and the guest's console printed has been read. */
  #ended(status: number): string[] {
    if (this.#reason !== null)
      return this.#record("domain", `event=ended reason=${this.#reason} by=xl`);
    return this.#record("fatal", `xl create ended with ${status}: ${this.#complaint}`);
  }

  #record(kind: string, payload: string): string[] {
    if (this.#over) return [];
    this.#over = kind === "fatal";
    const lines = encodeRecord({ kind, payload }, this.#nonce, this.#seq);
    this.#seq += lines.length;
    return lines.map((line) => `(d0) ${line}`);
  }
}
