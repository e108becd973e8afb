/** What every command is given: where its output goes, and what may stop it. */
import { UserError } from "../base/errors.js";
import type { Text } from "../elf/run-block.js";

export interface Context {
  /** Aborted by Ctrl-C, SIGTERM, SIGHUP, or when stdout has no reader any more; the reason is an Interrupted. */
  signal: AbortSignal;
  /** What follows `--` on the command line: text, or bytes if it is not UTF-8. Undefined: there is no `--`. */
  passedOn?: readonly Text[] | undefined;
  /** A result: one line on stdout. */
  print(line: string): void;
  /** What a guest prints, as it is. */
  write(bytes: Uint8Array, stream: "stdout" | "stderr"): void;
  /** The one document that --json puts on stdout. */
  printJson(value: unknown): void;
  /** Anything else: one line on stderr. */
  say(line: string): void;
  /** An error, as it would be told at the command's end. */
  tell(error: unknown): void;
  /** What the process exits with when the command returns. */
  exitWith(code: number): void;
}

/** The run was ended from outside. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  constructor(readonly by: NodeJS.Signals) {
    super(`interrupted by ${by}`);
  }
}

/** Options that every command has. */
export interface CommonOptions {
  json?: true;
  quiet?: true;
}

export function refusePassedOn(context: Context, command: string): void {
  if (context.passedOn !== undefined)
    throw new UserError(
      `\`xenlet ${command}\` accepts no arguments after \`--\`: only \`xenlet run\` passes arguments to a guest`,
      { hint: `xenlet ${command} --help` },
    );
}

/** bigint has no JSON of its own: addresses become 0x…. */
export function toJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, item: unknown) => (typeof item === "bigint" ? `0x${item.toString(16)}` : item),
    2,
  );
}
