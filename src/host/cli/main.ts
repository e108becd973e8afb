#!/usr/bin/env node
/** The `xenlet` command. Exit codes: src/host/base/exit-codes.ts. */
import { CommanderError } from "commander";
import pc from "picocolors";
import { UserError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { harmlessLines } from "../base/text.js";
import { Interrupted, toJson, type Context } from "./context.js";
import { argumentsAsGiven } from "./own-arguments.js";
import { createProgram } from "./program.js";

const colors = pc.createColors(process.stderr.isTTY ? !process.env["NO_COLOR"] : false);
const abort = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, interrupt);
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") abort.abort(new Interrupted("SIGPIPE"));
  else {
    say(`xenlet: cannot write to stdout: ${error.message}`);
    process.exitCode = ExitCode.HOST;
    abort.abort(error);
  }
});
// There is no reader, so there is no way to report it.
process.stderr.on("error", () => undefined);

const words = process.argv.slice(2);
const dashes = words.indexOf("--");
const own = dashes < 0 ? words : words.slice(0, dashes);

/** Failures of files and folders; and of processes, of which there can be too many. */
const FILE_SYSTEM_ERRORS = new Set(
  "EACCES EAGAIN EBUSY EDQUOT EEXIST EFBIG EIO EISDIR ELOOP EMFILE ENAMETOOLONG ENFILE ENOENT ENOMEM ENOSPC ENOTDIR EPERM EROFS".split(
    " ",
  ),
);

/** Whether the guest left an unfinished line there. */
const open = { stdout: false, stderr: false };
let exitCode: number = ExitCode.OK;
const context: Context = {
  signal: abort.signal,
  passedOn: dashes < 0 ? undefined : argumentsAsGiven(words.slice(dashes + 1)),
  write: (bytes, stream) => {
    process[stream].write(bytes);
    open[stream] = bytes.at(-1) !== 10;
  },
  print: (line) => void process.stdout.write(`${line}\n`),
  printJson: (value) => void process.stdout.write(`${toJson(value)}\n`),
  say,
  tell: (error) => void failed(error),
  exitWith(code) {
    exitCode = code;
  },
};

try {
  const program = await createProgram(own, context);
  await program.parseAsync(own, { from: "user" });
  process.exitCode ??= exitCode;
} catch (error) {
  process.exitCode = failed(error);
}

/**
 * A second Ctrl-C ends the process at once. Until then the listener stays: execa, while a program of its runs, has a
 * listener that ends the process on the spot where it is the only one, before anything is cleaned up.
 */
function interrupt(signal: NodeJS.Signals): void {
  if (abort.signal.aborted) dieOf(signal);
  else abort.abort(new Interrupted(signal));
}

function dieOf(signal: NodeJS.Signals): void {
  process.off(signal, interrupt);
  process.kill(process.pid, signal);
}

function say(line: string): void {
  // This line must not continue a guest's unfinished one: on a terminal both streams share a line.
  const shared = process.stdout.isTTY && process.stderr.isTTY;
  if (open.stderr || (open.stdout && shared)) process.stderr.write("\n");
  open.stderr = false;
  if (shared) open.stdout = false;
  process.stderr.write(`${line}\n`);
}

/** Tells an error, and returns what to exit with. */
function failed(error: unknown): number {
  if (error instanceof Interrupted) return interrupted(error);
  // Commander has told it already, help and version included.
  if (error instanceof CommanderError) {
    const code = error.exitCode === 0 ? ExitCode.OK : ExitCode.USAGE;
    if (code !== ExitCode.OK) failureDocument(error.message.replace(/^error: /, ""), code);
    return code;
  }
  if (error instanceof UserError) {
    say(`${colors.red("xenlet:")} ${harmlessLines(error.message)}`);
    if (error.hint !== undefined) say(`  try: ${harmlessLines(error.hint)}`);
    failureDocument(error.message, error.exitCode, error.hint);
    return error.exitCode;
  }
  // The machine's own words: a disk that is full, a folder that may not be written.
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof Error && code !== undefined && FILE_SYSTEM_ERRORS.has(code)) {
    say(`${colors.red("xenlet:")} ${harmlessLines(error.message)}`);
    say("  try: xenlet doctor");
    failureDocument(error.message, ExitCode.HOST, "xenlet doctor");
    return ExitCode.HOST;
  }
  // A defect of xenlet: the stack is what its authors need.
  say(
    `${colors.red("xenlet:")} ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
  failureDocument(error instanceof Error ? error.message : String(error), ExitCode.HOST);
  return ExitCode.HOST;
}

/** With --json there is a document even where there is no result. */
function failureDocument(message: string, code: number, hint?: string): void {
  if (own.includes("--json")) context.printJson({ error: message, hint, exitCode: code });
}

/** Everything is cleaned up: now die of the signal, as the shell expects. */
function interrupted({ by }: Interrupted): number {
  if (by === "SIGPIPE") return 128 + 13; // Node ignores it, it would not kill
  say(`xenlet: interrupted by ${by}`);
  failureDocument(
    `interrupted by ${by}`,
    128 + { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 }[by as string as "SIGINT"],
  );
  dieOf(by);
  return ExitCode.HOST;
}
