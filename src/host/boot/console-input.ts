/**
 * Types on Xen's serial console no faster than it is read: Xen keeps 128 bytes
 * that nobody has read yet, and drops the rest (SERIAL_RX_SIZE,
 * xen/drivers/char/console.c).
 */

/** Half of what Xen keeps: what is on its way when it is asked to wait has room. */
const AT_A_TIME = 64;
/** Where nobody says what was read. */
const PAUSE_MS = 25;

export class Typist {
  readonly #bytes: Buffer;
  #typed = 0;
  #read = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `acknowledged`: whoever reads says so, by read(); without that it is a matter of time. */
  constructor(
    text: string,
    private readonly send: (bytes: Uint8Array) => void,
    private readonly acknowledged: boolean,
  ) {
    this.#bytes = Buffer.from(text);
  }

  start(): void {
    this.#next();
  }

  /** So many bytes more have been read. */
  read(bytes: number): void {
    this.#read += bytes;
    if (this.#read >= this.#typed) this.#next();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#typed = this.#bytes.length;
  }

  #next(): void {
    const some = this.#bytes.subarray(this.#typed, this.#typed + AT_A_TIME);
    if (some.length === 0) return;
    this.#typed += some.length;
    this.send(some);
    if (this.acknowledged) return;
    this.#timer = setTimeout(() => {
      this.#next();
    }, PAUSE_MS);
  }
}
