// Room and rights on this machine's disks.

import { accessSync, constants, statfsSync } from "node:fs";
import { dirname } from "node:path";

function nearestExisting(folder: string): string {
  for (let candidate = folder; ; candidate = dirname(candidate)) {
    try {
      accessSync(candidate, constants.F_OK);
      return candidate;
    } catch {
      if (candidate === dirname(candidate)) return candidate;
    }
  }
}

/** Bytes that this user may still write below `folder`, which need not exist yet. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(nearestExisting(folder));
  return bavail * bsize;
}

/** Whether this user can write in `folder`, or make it. */
export function isWritable(folder: string): boolean {
  try {
    accessSync(nearestExisting(folder), constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** "12 MB": decimal, as disks and downloads are counted. */
export function megabytes(bytes: number): string {
  const value = bytes / 1e6;
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} MB`;
}
