// What can go wrong on the machine itself, told with the command that helps.

import { UserError } from "./errors.js";
import { ExitCode } from "./exit-codes.js";
import { given } from "./given.js";

/** The host cannot do what is asked of it: a tool, the network, the disk or the cache. */
export function hostError(message: string, hint?: string, cause?: unknown): UserError {
  return new UserError(message, {
    exitCode: ExitCode.HOST,
    ...given({ hint, cause }),
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
