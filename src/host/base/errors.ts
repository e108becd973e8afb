import { ExitCode } from "./exit-codes.js";

/** How an error is meant to be told; see `UserError`. */
export interface UserErrorOptions {
  /** What `xenlet` exits with. Default 123: bad usage or bad input. */
  exitCode?: number;
  /** How to fix it: usually a command. */
  hint?: string;
  cause?: unknown;
}

/**
 * An error whose message is written for the person who ran the command: it says
 * what was expected, and needs no stack trace to be understood.
 */
export class UserError extends Error {
  override readonly name: string = "UserError";
  readonly exitCode: number;
  readonly hint: string | undefined;

  constructor(message: string, options: UserErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = options.exitCode ?? ExitCode.USAGE;
    this.hint = options.hint;
  }
}
