// Where xenlet keeps what it downloads and compiles.

import { homedir, tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** Absolute. XENLET_CACHE, else xenlet's folder in the user's cache folder (XDG_CACHE_HOME, else ~/.cache). */
export function cacheFolder(): string {
  const { XENLET_CACHE, XDG_CACHE_HOME } = process.env;
  if (XENLET_CACHE) return resolve(XENLET_CACHE);
  return join(XDG_CACHE_HOME || join(home(), ".cache"), "xenlet");
}

/** HOME may be empty, and a user whom the system does not know, as in many containers, has none. */
function home(): string {
  try {
    return homedir() || tmpdir();
  } catch {
    return tmpdir();
  }
}
