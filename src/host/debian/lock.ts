// One process fills the cache at a time; the others wait and find the work done.

import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";

import { errnoCode } from "./host-error.js";

/** How long a lock may take before the person who waits is told why. */
const PATIENCE_MS = 300;

type Holder = ChildProcessByStdio<Writable, Readable, null>;

/** Resolves to true when `holder` says that it has the lock, to false when it cannot get any. */
function acquired(holder: Holder, signal: AbortSignal | undefined): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      holder.kill(); // flock(1) waits in the kernel: it does not look at its stdin
      reject(signal?.reason as Error);
    };
    const settle = (held: boolean) => {
      signal?.removeEventListener("abort", onAbort);
      resolve(held);
    };
    signal?.addEventListener("abort", onAbort);
    holder.stdout.once("data", () => {
      settle(true);
    });
    holder.once("exit", () => {
      settle(false);
    });
    holder.once("error", (error) => {
      signal?.removeEventListener("abort", onAbort);
      if (errnoCode(error) === "ENOENT") resolve(false);
      else reject(error);
    });
  });
}

/**
 * Runs `body` while holding an exclusive lock on `file`.
 *
 * The lock is the kernel's (flock), held by a child that lives as long as our end of
 * its stdin: however this process ends, the lock goes with it, so there is no stale
 * lock to guess about. `held` is false where there is no flock(1); then two processes
 * may do the same work, and the rename that ends it lets either win.
 *
 * @param onWait called once if somebody else has the lock
 */
export async function withLock<T>(
  file: string,
  options: { onWait?: () => void; signal?: AbortSignal | undefined },
  body: (held: boolean) => Promise<T>,
): Promise<T> {
  options.signal?.throwIfAborted();
  const holder = spawn("flock", ["--exclusive", file, "sh", "-c", "echo held; exec cat"], {
    stdio: ["pipe", "pipe", "ignore"],
    // Its own process group: Ctrl-C on the terminal reaches us alone, and what was
    // begun is taken back while the lock still holds.
    detached: true,
  });
  const closed = once(holder, "close").catch(() => undefined);
  holder.stdin.on("error", () => undefined);
  const patience = setTimeout(() => options.onWait?.(), PATIENCE_MS);
  try {
    const held = await acquired(holder, options.signal).finally(() => {
      clearTimeout(patience);
    });
    return await body(held);
  } finally {
    holder.stdin.destroy();
    holder.stdout.destroy();
    await closed;
  }
}
