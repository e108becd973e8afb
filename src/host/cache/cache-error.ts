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
      return unwritable(error as Error, root);
    default:
      return error;
  }
}

/** The same where the cache's own folders are made: there nothing can be missing but the right to make it, as in /proc. */
export function notWritable(error: unknown, root: string): unknown {
  return errnoCode(error) === "ENOENT"
    ? unwritable(error as Error, root)
    : explainCacheError(error, root);
}

function unwritable(error: Error, root: string): UserError {
  return hostError(
    `cannot write to the cache ${root}: ${error.message}`,
    "XENLET_CACHE=/a/folder/of/yours xenlet …",
    error,
  );
}

export function noSpace(root: string, cause?: unknown): UserError {
  return hostError(
    `the disk is full: ${root} needs more space`,
    "xenlet cache prune (or XENLET_CACHE=/a/folder/on/another/disk xenlet …)",
    cause,
  );
}
