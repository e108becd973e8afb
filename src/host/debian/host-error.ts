// What can go wrong on the machine itself, told with the command that mends it.

import { UserError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";

/** The host cannot do what is asked of it: a tool, the network, the disk or the cache. */
export function hostTrouble(message: string, hint?: string, cause?: unknown): UserError {
  return new UserError(message, {
    exitCode: ExitCode.HOST,
    ...(hint === undefined ? {} : { hint }),
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The system's own code of an error ("ENOENT", "ENOSPC"), if it has one. */
export function errnoCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
}

export function isMissing(error: unknown): boolean {
  return errnoCode(error) === "ENOENT" || errnoCode(error) === "ENOTDIR";
}

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
      return hostTrouble(
        `the cache ${root} cannot be written: ${(error as Error).message}`,
        "XENLET_CACHE=/a/folder/of/yours xenlet …",
        error,
      );
    default:
      return error;
  }
}

export function noSpace(root: string, cause?: unknown): UserError {
  return hostTrouble(
    `the disk is full: ${root} needs more space`,
    "xenlet cache prune (or XENLET_CACHE=/a/folder/on/another/disk xenlet …)",
    cause,
  );
}
