// Where xenlet keeps what it downloads and compiles.

import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** Absolute. XENLET_CACHE, else xenlet's folder in the user's cache folder (XDG_CACHE_HOME, else ~/.cache). */
export function cacheFolder(): string {
  const { XENLET_CACHE, XDG_CACHE_HOME } = process.env;
  if (XENLET_CACHE) return resolve(XENLET_CACHE);
  return join(XDG_CACHE_HOME || join(homedir(), ".cache"), "xenlet");
}
