/** --watch: a command's work once more whenever a file that it has read is saved. */
import { statSync, unwatchFile, watchFile } from "node:fs";
import path from "node:path";
import { UserError } from "../base/errors.js";
import type { Context } from "./context.js";

/** How often the files are looked at, in ms: by their times, which every file system has. */
const INTERVAL_MS = 50;

/** A file that the work depends on was saved while it was under way. */
class Changed extends Error {
  override readonly name = "Changed";
}

export interface Watched {
  /** As the command's own, but aborted when a file changes as well. */
  context: Context;
  /** The files, absolute, that changed since the last call; null: the first one. */
  changed: ReadonlySet<string> | null;
  /** What the work reads: files that need not exist. To be called as soon as that is known. */
  reads: (files: Iterable<string>) => void;
}

/**
 * Does the work, and again after each change, until the command is interrupted: rejects with the reason then, or with
 * what fails the work before it is known what to wait for.
 */
export async function watch(
  context: Context,
  work: (watched: Watched) => Promise<void>,
): Promise<never> {
  const files = new Set<string>();
  let pending = new Set<string>();
  let wake = (): void => undefined;
  const notice = (file: string): void => {
    pending.add(file);
    wake();
  };
  const reads = (more: Iterable<string>, since: number): void => {
    for (const file of more) {
      if (files.has(file)) continue;
      files.add(file);
      watchFile(file, { interval: INTERVAL_MS, persistent: true }, (now, before) => {
        // Node calls this once for a file that is not there, too.
        if (now.mtimeMs !== before.mtimeMs || now.size !== before.size || now.ino !== before.ino)
          notice(file);
      });
      // Saved after the work began to read.
      if ((statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) > since) notice(file);
    }
  };
  try {
    for (let changed: ReadonlySet<string> | null = null; ;) {
      const stop = new AbortController();
      const since = Date.now();
      wake = () => {
        stop.abort(new Changed());
      };
      try {
        await work({
          context: {
            ...context,
            signal: AbortSignal.any([context.signal, stop.signal]),
            exitWith: () => undefined,
          },
          changed,
          reads: (more) => {
            reads(more, since);
          },
        });
      } catch (error) {
        context.signal.throwIfAborted();
        if (files.size === 0) throw error;
        if (!(error instanceof Changed)) context.tell(error);
      }
      if (pending.size === 0) {
        context.say("xenlet: waiting for a change (Ctrl-C ends it)");
        await changeOf(context.signal, (resolve) => (wake = resolve));
      }
      changed = pending;
      pending = new Set();
      context.say(`xenlet: saved: ${nameSome([...changed])}`);
    }
  } finally {
    for (const file of files) unwatchFile(file);
  }
}

function changeOf(signal: AbortSignal, onWake: (resolve: () => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const interrupt = (): void => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) interrupt();
    signal.addEventListener("abort", interrupt, { once: true });
    onWake(() => {
      signal.removeEventListener("abort", interrupt);
      resolve();
    });
  });
}

function nameSome(files: readonly string[]): string {
  const [first = ""] = files;
  const name = path.relative("", first);
  return files.length === 1 ? name : `${name} and ${files.length - 1} more`;
}

/** What answers one run only does not go with it. Throws UserError. */
export function refuseWith(options: Record<string, unknown>, flags: Record<string, string>): void {
  const flag = Object.entries(flags).find(([option]) => options[option] !== undefined)?.[1];
  if (flag !== undefined) throw new UserError(`--watch cannot be combined with ${flag}`);
}
