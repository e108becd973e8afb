// One process makes a thing at a time; the others wait and find the work done.

import { AsyncLocalStorage } from "node:async_hooks";
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import type { Readable, Writable } from "node:stream";

import { errnoCode } from "../base/host-error.js";

/** How long a lock may take before the waiting user sees why. */
const PATIENCE_MS = 300;

/**
 * Says "held" when it has the lock, and holds it as long as our end of its stdin is open. "stale": the file was removed
 * by its last holder while this one waited, so a newcomer locks another file.
 */
const HOLD =
  'exec 9>>"$0" && flock --exclusive 9 || exit; if [ "$0" -ef /proc/self/fd/9 ]; then echo held; else echo stale; fi; exec cat';

/** The locks that the work which is under way was begun under. */
const underWay = new AsyncLocalStorage<readonly string[]>();

type Holder = ChildProcessByStdio<Writable, Readable, null>;

/** What `holder` says, or null if it cannot get any lock. */
function acquired(
  holder: Holder,
  signal: AbortSignal | undefined,
): Promise<"held" | "stale" | null> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      // flock(1) waits in the kernel: it does not look at its stdin.
      if (holder.pid !== undefined) process.kill(-holder.pid);
      reject(signal?.reason as Error);
    };
    const settle = (answer: "held" | "stale" | null) => {
      signal?.removeEventListener("abort", onAbort);
      resolve(answer);
    };
    signal?.addEventListener("abort", onAbort);
    holder.stdout.once("data", (bytes: Buffer) => {
      settle(bytes.toString().startsWith("held") ? "held" : "stale");
    });
    holder.once("exit", () => {
      settle(null);
    });
    holder.once("error", (error) => {
      signal?.removeEventListener("abort", onAbort);
      if (errnoCode(error) === "ENOENT") resolve(null);
      else reject(error);
    });
  });
}

export interface LockOptions {
  /** Called once if another process has the lock. */
  onWait?: () => void;
  signal?: AbortSignal | undefined;
  /** Removes the file before it lets go of the lock. */
  remove?: boolean;
}

/**
 * Runs `body` while holding an exclusive lock on `file`.
 *
 * The lock is the kernel's (flock), held by a child that lives as long as our end of
 * its stdin: however this process ends, the lock goes with it, so there is no stale
 * lock to guess about. `held` is false if there is no flock(1); then two processes
 * may do the same work, and the rename that ends it lets either win.
 *
 * What `body` itself does under the same lock does not wait for it: a set of packages may need another one to be made.
 */
export async function withLock<T>(
  file: string,
  options: LockOptions,
  body: (held: boolean) => Promise<T>,
): Promise<T> {
  const before = underWay.getStore() ?? [];
  if (before.includes(file)) return body(true);
  let told = false;
  for (;;) {
    options.signal?.throwIfAborted();
    const holder = spawn("sh", ["-c", HOLD, file], {
      stdio: ["pipe", "pipe", "ignore"],
      // Its own process group: Ctrl-C on the terminal reaches us alone, and what was
      // begun is taken back while the lock still holds.
      detached: true,
    });
    const closed = once(holder, "close").catch(() => undefined);
    holder.stdin.on("error", () => undefined);
    const patience = setTimeout(() => {
      if (!told) options.onWait?.();
      told = true;
    }, PATIENCE_MS);
    try {
      const answer = await acquired(holder, options.signal).finally(() => {
        clearTimeout(patience);
      });
      if (answer === "stale") continue;
      try {
        const held = answer === "held";
        return await underWay.run(held ? [...before, file] : before, () => body(held));
      } finally {
        if (options.remove === true && answer === "held") await rm(file, { force: true });
      }
    } finally {
      holder.stdin.destroy();
      holder.stdout.destroy();
      await closed;
    }
  }
}
