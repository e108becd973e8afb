/** The log of one run: every line of Xen's serial console, kept for afterwards. */
import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import path from "node:path";
import { Cache } from "../cache/cache.js";
import { KINDS } from "../cache/kinds.js";
import { UserError } from "../base/errors.js";

/** Lines of the console that messages quote. */
export const TAIL_LINES = 12;

/** The cache's, with room for one more. */
async function logFolder(): Promise<string> {
  const cache = new Cache();
  await cache.create(KINDS.logs);
  await cache.enforceLimit(KINDS.logs);
  return cache.folderOf(KINDS.logs);
}

/**
 * Writing it never stops a run: a disk that is full costs the log, not the
 * verdict. `error` then says why, and the tail is still available.
 */
export class RunLog {
  /** Null if there is none. */
  path: string | null;
  error: string | null = null;
  readonly #tail: string[] = [];
  #stream: WriteStream | null;

  private constructor(file: string | null, stream: WriteStream | null, error: string | null) {
    this.path = file;
    this.#stream = stream;
    this.error = error;
    stream?.on("error", (error) => {
      this.#fail(error.message);
    });
  }

  /** `wanted`: where the user wants it; a place that does not exist is a UserError. Default: the cache. */
  static async open(name: string, wanted?: string): Promise<RunLog> {
    const time = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
    let file = "";
    try {
      file = path.resolve(wanted ?? path.join(await logFolder(), `${time}-${name}.log`));
      const stream = createWriteStream(file);
      await once(stream, "open");
      return new RunLog(file, stream, null);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (wanted !== undefined && code !== "ENOSPC" && code !== "EDQUOT")
        throw new UserError(`cannot write the log: ${message}`, { cause: error });
      return new RunLog(null, null, message);
    }
  }

  write(line: string): void {
    this.#tail.push(line);
    if (this.#tail.length > TAIL_LINES) this.#tail.shift();
    this.#stream?.write(`${line}\n`, "latin1");
  }

  /** A line that is not the console's. */
  comment(line: string): void {
    this.#stream?.write(`# ${line}\n`, "latin1");
  }

  /** The last lines, oldest first. */
  get tail(): string[] {
    return [...this.#tail];
  }

  /** Resolves when all that can be written is written. */
  async close(): Promise<void> {
    const stream = this.#stream;
    if (stream === null) return;
    this.#stream = null;
    await new Promise<void>((resolve) => {
      stream.once("close", resolve);
      stream.end();
    });
  }

  #fail(message: string): void {
    this.error ??= message;
    this.#stream?.destroy();
    this.#stream = null;
  }
}
