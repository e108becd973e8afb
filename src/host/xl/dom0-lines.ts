// What dom0 says (xl/dom0/init), in the words that the reader of a boot knows: dom0 takes the place of the toolstack
// that makes a domain elsewhere, so its lines become records of that toolstack.

import { encodeRecord } from "../protocol/record.js";
import { WholeLines } from "./whole-lines.js";

/** xl_vmcontrol.c of Xen's: "Domain 1 has shut down, reason code 5 0x5". */
const SHUT_DOWN = /^Domain \d+ has shut down, reason code (?<reason>\d+) /;

export class Dom0Lines {
  readonly #prefix: string;
  readonly #nonce: string;
  readonly #lines: WholeLines;
  #seq = 0;
  /** The reason that xl saw last. */
  #reason: string | null = null;
  /** What xl said last, for when it fails. */
  #complaint = "";
  #over = false;

  constructor(nonce: string) {
    this.#nonce = nonce;
    this.#prefix = `~d0 ${nonce} `;
    this.#lines = new WholeLines(this.#prefix);
  }

  /** One line of Xen's serial console, as the lines that a monitor with this nonce for its toolstack takes. */
  read(line: string): string[] {
    return this.#lines.push(line).flatMap((whole) => this.#readWhole(whole));
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
