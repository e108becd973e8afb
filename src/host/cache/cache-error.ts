// What can go wrong with the cache's own folder, in words.

import { errnoCode, hostError } from "../base/host-error.js";
import type { UserError } from "../base/errors.js";

/** Errors of the file system below the cache, in words; any other error as it is. */
export function explainCacheError(error: unknown, root: string): unknown {
  switch (errnoCode(error)) {
    case "ENOSPC":
    case "EDQUOT":
      return noSpace(root, error);
    case "EACCES":
    case "EPERM":
    case "EROFS":
    case "ENOTDIR":
    case "EEXIST":
      return hostError(
        `the cache ${root} cannot be written: ${(error as Error).message}`,
        "XENLET_CACHE=/a/folder/of/yours xenlet …",
        error,
      );
    default:
      return error;
  }
}

export function noSpace(root: string, cause?: unknown): UserError {
  return hostError(
    `the disk is full: ${root} needs more space`,
    "xenlet cache prune (or XENLET_CACHE=/a/folder/on/another/disk xenlet …)",
    cause,
  );
}
