/**
 * What a guest prints, from its records: two streams of bytes, and their lines. `log` and `error` are a line each; `out` and
 * `err` are bytes as they were written, in which a line may begin or end anywhere.
 */
import type { GuestRecord } from "./record.js";

export type OutputStream = "stdout" | "stderr";

export interface OutputEvents {
  onBytes?(bytes: Uint8Array, stream: OutputStream): void;
  /** Without its newline. What is no UTF-8 in it is U+FFFD. */
  onLine?(line: string, stream: OutputStream): void;
}

/** A guest that never ends its line must not eat our memory: what is longer is passed on in pieces. */
const MAX_LINE = 4 << 20;

const STREAMS: Record<string, OutputStream | undefined> = {
  log: "stdout",
  out: "stdout",
  error: "stderr",
  err: "stderr",
};

export class TextOutput {
  /** In all. */
  bytes = 0;
  /** Of each stream: what stands behind the last newline. */
  readonly #rest: Record<OutputStream, Buffer[]> = { stdout: [], stderr: [] };

  constructor(private readonly events: OutputEvents) {}

  /** Takes a record's text, if it is one that prints; returns whether it is. */
  take(record: GuestRecord): boolean {
    const stream = STREAMS[record.kind];
    if (stream === undefined) return false;
    const bytes = record.bytes ?? Buffer.from(`${record.payload}\n`);
    this.bytes += bytes.length;
    this.events.onBytes?.(bytes, stream);
    if (record.bytes === undefined) this.#endLine(stream, bytes.subarray(0, -1));
    else this.#split(stream, bytes);
    return true;
  }

  /** The end of the output: an unfinished line counts as a line. */
  end(): void {
    for (const stream of ["stdout", "stderr"] as const)
      if (this.#rest[stream].length > 0) this.#endLine(stream, Buffer.alloc(0));
  }

  #split(stream: OutputStream, bytes: Buffer): void {
    let begin = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, begin)) {
      this.#endLine(stream, bytes.subarray(begin, end));
      begin = end + 1;
    }
    if (begin === bytes.length) return;
    this.#rest[stream].push(bytes.subarray(begin));
    if (this.#rest[stream].reduce((sum, part) => sum + part.length, 0) > MAX_LINE)
      this.#endLine(stream, Buffer.alloc(0));
  }

  #endLine(stream: OutputStream, last: Buffer): void {
    const line = Buffer.concat([...this.#rest[stream], last]).toString();
    this.#rest[stream] = [];
    this.events.onLine?.(line, stream);
  }
}
