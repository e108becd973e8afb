/**
 * A guest's standard input. The guest asks for it (boot/input.c), and is answered with as many bytes as there are then, as
 * base64 and a ";"; with the ";" alone at the end. So nothing is read that the guest does not want, and it is known whether
 * it waits.
 */

type Chunk = string | Uint8Array;
/** A function is called when the guest first asks. */
export type Input = Chunk | AsyncIterable<Chunk> | (() => AsyncIterable<Chunk>);

export class StandardInput {
  /** The guest has asked, and nothing has come yet. */
  waiting = false;
  #source: AsyncIterable<Chunk> | null = null;
  #iterator: AsyncIterator<Chunk> | null = null;
  #kept: Buffer = Buffer.alloc(0);
  #ended = false;
  #stopped = false;

  /** `most`: how many bytes an answer may have, 3 or more. A failure of the source is passed to `fail`. */
  constructor(
    private readonly input: Input,
    private readonly answer: (text: string) => void,
    private readonly most: number,
    private readonly fail: (error: unknown) => void,
  ) {}

  /** The guest has room for so many bytes. */
  async wanted(bytes: number): Promise<void> {
    this.waiting = true;
    try {
      while (this.#kept.length === 0 && !this.#ended) await this.#fill();
    } catch (error) {
      this.fail(error);
      return;
    }
    if (this.#stopped) return;
    const some = this.#kept.subarray(0, Math.min(bytes, this.most));
    this.#kept = this.#kept.subarray(some.length);
    this.waiting = false;
    this.answer(`${some.toString("base64").replaceAll("=", "")};`);
  }

  async #fill(): Promise<void> {
    if (this.#iterator === null) {
      const { input } = this;
      if (typeof input === "string" || input instanceof Uint8Array) {
        this.#kept = Buffer.from(input as Uint8Array);
        this.#ended = true;
        return;
      }
      this.#source = typeof input === "function" ? input() : input;
      this.#iterator = this.#source[Symbol.asyncIterator]();
    }
    const next = await this.#iterator.next();
    if (next.done === true) this.#ended = true;
    else this.#kept = Buffer.from(next.value as Uint8Array);
  }

  /** There is no reader any more: what was read ahead is lost, and a stream is closed, so that nothing waits for it. */
  stop(): void {
    this.#stopped = true;
    const source = this.#source as { destroy?: () => void } | null;
    if (typeof source?.destroy === "function") source.destroy();
    else void this.#iterator?.return?.();
  }
}
