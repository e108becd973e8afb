/** The log of one run: every line of Xen's serial console, kept for afterwards. */
import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { cacheFolder } from "../cache/cache-folder.js";
import { UserError } from "../base/errors.js";

/** How many logs the cache keeps; the oldest go first. */
const LOGS_KEPT = 100;
/** A log this young may belong to a run that is still going on. */
const NEVER_PRUNED_MS = 60 * 60 * 1000;
/** Lines of the console that messages quote. */
export const TAIL_LINES = 12;

export const logFolder = (): string => path.join(cacheFolder(), "logs");

/**
 * Writing it never stops a run: a disk that is full costs the log, not the
 * verdict. `trouble` then says why, and the tail is there all the same.
 */
export class RunLog {
  /** Null if there is none. */
  path: string | null;
  trouble: string | null = null;
  readonly #tail: string[] = [];
  #stream: WriteStream | null;

  private constructor(file: string | null, stream: WriteStream | null, trouble: string | null) {
    this.path = file;
    this.#stream = stream;
    this.trouble = trouble;
    stream?.on("error", (error) => {
      this.#fail(error.message);
    });
  }

  /** `wanted`: where the user wants it; a place that does not exist is a UserError. Default: the cache. */
  static async open(name: string, wanted?: string): Promise<RunLog> {
    const folder = logFolder();
    const time = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
    const file = path.resolve(wanted ?? path.join(folder, `${time}-${name}.log`));
    try {
      if (wanted === undefined) {
        await mkdir(folder, { recursive: true });
        await prune(folder);
      }
      const stream = createWriteStream(file);
      await once(stream, "open");
      return new RunLog(file, stream, null);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (wanted !== undefined && code !== "ENOSPC" && code !== "EDQUOT")
        throw new UserError(`the log cannot be written: ${message}`, { cause: error });
      return new RunLog(null, null, message);
    }
  }

  write(line: string): void {
    this.#tail.push(line);
    if (this.#tail.length > TAIL_LINES) this.#tail.shift();
    this.#stream?.write(`${line}\n`, "latin1");
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
    this.trouble ??= message;
    this.#stream?.destroy();
    this.#stream = null;
  }
}

async function prune(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".log")).sort();
  for (const name of names.slice(0, -LOGS_KEPT)) {
    const file = path.join(folder, name);
    // Another run may have pruned it meanwhile.
    const age = Date.now() - ((await stat(file).catch(() => null))?.mtimeMs ?? 0);
    if (age > NEVER_PRUNED_MS) await rm(file, { force: true });
  }
}
