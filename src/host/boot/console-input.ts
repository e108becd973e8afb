/**
 * Types on Xen's serial console no faster than it is read: Xen keeps 128 bytes
 * that have not been read yet, and drops the rest (SERIAL_RX_SIZE,
 * xen/drivers/char/console.c).
 */

/** Half of what Xen keeps, so there is room for what is under way when input is paused. */
const AT_A_TIME = 64;
/** If nothing acknowledges what was read. */
const PAUSE_MS = 25;

export class ConsoleInput {
  #bytes: Buffer = Buffer.alloc(0);
  #typed = 0;
  #read = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** `acknowledged`: the reader reports progress, by read(); otherwise input is paced by time. */
  constructor(
    private readonly send: (bytes: Uint8Array) => void,
    private readonly acknowledged: boolean,
  ) {}

  /** Types this behind what is being typed. */
  type(text: string): void {
    const idle = this.#bytes.length === 0;
    this.#bytes = Buffer.concat([this.#bytes, Buffer.from(text)]);
    const ready = this.acknowledged ? this.#read >= this.#typed : this.#timer === undefined;
    if (idle && ready) this.#next();
  }

  /** So many bytes more have been read. */
  read(bytes: number): void {
    this.#read += bytes;
    if (this.#read >= this.#typed) this.#next();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#stopped = true;
  }

  #next(): void {
    this.#timer = undefined;
    const some = this.#bytes.subarray(0, AT_A_TIME);
    if (some.length === 0 || this.#stopped) return;
    this.#bytes = this.#bytes.subarray(some.length);
    this.#typed += some.length;
    this.send(some);
    if (this.acknowledged) return;
    this.#timer = setTimeout(() => {
      this.#next();
    }, PAUSE_MS);
  }
}
