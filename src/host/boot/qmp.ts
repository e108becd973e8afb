/** QEMU's monitor protocol, as far as it is used: one command after the other (docs/interop/qmp-spec.txt, QEMU 7.2). */
import type { Duplex } from "node:stream";
import { LineSplitter } from "../protocol/serial.js";

/** An event has neither. Not by a schema's package: every restored boot speaks QMP, and to load one takes 0.1 s. */
interface Answer {
  return?: unknown;
  error?: { desc: string };
}

export class Qmp {
  readonly #waiting: { resolve: (value: unknown) => void; reject: (error: Error) => void }[] = [];

  constructor(private readonly socket: Duplex) {
    const lines = new LineSplitter();
    socket.on("data", (bytes: Uint8Array) => {
      for (const line of lines.push(bytes)) this.#take(line);
    });
    socket.on("close", () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error("QEMU has exited"));
    });
  }

  /** Resolves to what the command returns; rejects with QEMU's own words, or when QEMU has exited. */
  async execute(command: string, words: Record<string, unknown> = {}): Promise<unknown> {
    if (this.socket.destroyed) throw new Error("QEMU has exited");
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.socket.write(`${JSON.stringify({ execute: command, arguments: words })}\n`);
    });
  }

  #take(line: string): void {
    const answer = JSON.parse(line) as Answer;
    if (answer.error === undefined && answer.return === undefined) return;
    const asked = this.#waiting.shift();
    if (answer.error === undefined) asked?.resolve(answer.return);
    else asked?.reject(new Error(answer.error.desc));
  }
}
