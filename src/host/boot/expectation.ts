/**
 * The verdict on a guest that says none in records, since another project made it: what its user expects of it, or the
 * line in which an XTF test says its result.
 */
import type { GuestRecord } from "../protocol/record.js";
import { TextOutput, type OutputStream } from "../protocol/text-output.js";
import { describeShutdown } from "./xen-messages.js";

/** What makes a foreign image's run a success. */
export interface Expectation {
  /** A line of what the guest prints has this in it. */
  text?: string;
  /** The guest's domain ends with this SHUTDOWN_* reason (xen/include/public/sched.h). */
  shutdown?: number;
}

/** By the names that --expect-shutdown knows. */
export const SHUTDOWN_REASONS: Readonly<Record<string, number>> = {
  poweroff: 0,
  reboot: 1,
  suspend: 2,
  crash: 3,
  watchdog: 4,
  "soft-reset": 5,
};

/** xtf_report_status() in XTF's common/report.c, and what xtf-runner exits with for it. */
const XTF_RESULT = /^Test result: (?<result>SUCCESS|SKIP|ERROR|FAILURE)$/;
const XTF_CODES: Readonly<Record<string, number>> = { SUCCESS: 0, SKIP: 3, ERROR: 4, FAILURE: 5 };

/** Reads what a guest prints, as far as a verdict hangs on it. */
export class PrintedVerdict {
  /** Whether a line with the expected text was there; true as well where none is expected. */
  textSeen: boolean;
  /** XTF's word. */
  xtf: string | null = null;
  readonly #wanted: Buffer;
  /** Of each stream the last bytes: what is expected may come in two parts. */
  readonly #tails: Record<OutputStream, Buffer> = {
    stdout: Buffer.alloc(0),
    stderr: Buffer.alloc(0),
  };
  readonly #output = new TextOutput({
    onBytes: (bytes, stream) => {
      this.#search(bytes, stream);
    },
    onLine: (line) => {
      this.#readResult(line);
    },
  });

  constructor(readonly expected: Expectation | null) {
    this.textSeen = expected?.text === undefined;
    this.#wanted = Buffer.from(expected?.text ?? "");
  }

  /** A line of the debug port. Returns whether all that is expected has come true by it. */
  read(line: string): boolean {
    return this.#cameTrue(() => {
      this.#readResult(line);
      this.textSeen ||= line.includes(this.expected?.text ?? "");
    });
  }

  /** A record that may print: a prompt counts before its line has ended. Returns whether all has come true by it. */
  take(record: GuestRecord): boolean {
    return this.#cameTrue(() => this.#output.take(record));
  }

  #cameTrue(take: () => void): boolean {
    const before = this.textSeen;
    take();
    return !before && this.textSeen && this.expected?.shutdown === undefined;
  }

  #readResult(line: string): void {
    this.xtf = XTF_RESULT.exec(line.trim())?.groups?.["result"] ?? this.xtf;
  }

  #search(bytes: Uint8Array, stream: OutputStream): void {
    if (this.textSeen) return;
    const text = Buffer.concat([this.#tails[stream], bytes]);
    this.textSeen = text.includes(this.#wanted);
    this.#tails[stream] = text.subarray(Math.max(0, text.length - this.#wanted.length + 1));
  }

  /** The code that the guest's user, or XTF, gives a domain that ended with `reason`; null: neither does. */
  judge(reason: number): { code: number; message: string } | null {
    const { expected } = this;
    if (expected === null) {
      if (this.xtf === null || reason !== SHUTDOWN_REASONS["poweroff"]) return null;
      return { code: XTF_CODES[this.xtf] ?? 1, message: `XTF's test result: ${this.xtf}` };
    }
    const asExpected = expected.shutdown === undefined || expected.shutdown === reason;
    const ended = `the domain ended by ${describeShutdown(reason)}`;
    const missing =
      expected.text === undefined || this.textSeen
        ? ""
        : `, and the guest had not printed ${JSON.stringify(expected.text)}`;
    if (asExpected && missing === "") return { code: 0, message: `${ended}, as expected` };
    const instead = asExpected ? "" : `, not by ${describeShutdown(expected.shutdown ?? 0)}`;
    return { code: 1, message: `${ended}${instead}${missing}` };
  }
}
