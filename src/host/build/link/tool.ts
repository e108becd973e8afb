// The tools that make an image: how they are run, and what becomes of one that is missing, fails or does not end.

import { UserError } from "../../base/errors.js";
import { ExitCode } from "../../base/exit-codes.js";
import { given } from "../../base/given.js";
import { isInPath } from "../../base/in-path.js";
import { BuildError } from "../build-error.js";

/** Longer than any file of C takes that the lowering writes (c-files.ts), on a busy machine too. */
const DEADLINE_MINUTES = 15;

/** The Debian package that each of the tools is in. */
const PACKAGES: Record<string, string> = {
  gcc: "gcc",
  as: "binutils",
  ld: "binutils",
  strip: "binutils",
  objdump: "binutils",
};

function notInstalled(command: string): UserError {
  return new UserError(`${command} not found (needed to build guests)`, {
    exitCode: ExitCode.HOST,
    hint: `sudo apt-get install ${PACKAGES[command] ?? command}`,
  });
}

/** Whether what every build takes is there, before any work. Throws a UserError (122) if not. */
export function checkToolchain(): void {
  const missing = ["gcc", "ld"].find((command) => !isInPath(command));
  if (missing !== undefined) throw notInstalled(missing);
}

/** The process groups of the tools that run. */
const groups = new Set<number>();
process.on("exit", () => {
  groups.forEach(endGroup);
});

function endGroup(leader: number | undefined): void {
  try {
    if (leader !== undefined) process.kill(-leader, "SIGTERM"); // gcc then removes its temporary files
  } catch {
    // It has ended already.
  }
}

/**
 * Runs a tool of the toolchain and returns what it prints. Throws a UserError (122) if it is not installed or the
 * disk is full, and a BuildError with its own diagnostics if it fails. When the signal is aborted, it ends at once, and
 * with it what it has started: gcc's compiler proper would run on.
 */
export async function run(
  command: string,
  args: string[],
  signal?: AbortSignal,
  cwd?: string,
): Promise<string> {
  const { execa } = await import("execa");
  signal?.throwIfAborted();
  const child = execa(command, args, {
    reject: false,
    stdin: "ignore",
    timeout: DEADLINE_MINUTES * 60_000,
    detached: true, // a process group of its own
    env: { LC_ALL: "C" },
    ...given({ cwd }),
  });
  const end = (): void => {
    endGroup(child.pid);
  };
  if (child.pid !== undefined) groups.add(child.pid);
  signal?.addEventListener("abort", end);
  try {
    const result = await child;
    if (signal?.aborted) throw signal.reason;
    if (result.timedOut) {
      end();
      throw new BuildError(`${command} did not finish within ${DEADLINE_MINUTES} minutes`);
    }
    if (!result.failed) return result.stdout;
    if (result.code === "ENOENT") throw notInstalled(command);
    const said = result.stderr || (result.shortMessage ?? "");
    if (/No space left on device|Cannot create temporary file|[Dd]isk quota exceeded/.test(said))
      throw new UserError(`${command} failed to write its output: ${lastLine(said)}`, {
        exitCode: ExitCode.HOST,
        hint: "free some disk space, or set TMPDIR and XENLET_CACHE to folders elsewhere",
      });
    throw new BuildError(`${command} failed:\n${said}`);
  } finally {
    signal?.removeEventListener("abort", end);
    if (child.pid !== undefined) groups.delete(child.pid);
  }
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}

/** The longest that a tool may take to say something of itself, on a busy machine too. */
const ANSWER_SECONDS = 60;

/** What a tool says of itself, on either stream. Throws a UserError (122) if it is not installed, or does not end. */
export async function ask(
  command: string,
  flag: string,
  seconds = ANSWER_SECONDS,
): Promise<string> {
  const { execa } = await import("execa");
  const { all, code, timedOut } = await execa(command, [flag], {
    reject: false,
    all: true,
    stdin: "ignore",
    timeout: seconds * 1000,
    forceKillAfterDelay: 1000,
    env: { LC_ALL: "C" },
  });
  if (code === "ENOENT") throw notInstalled(command);
  if (timedOut)
    throw new UserError(`\`${command} ${flag}\` did not answer within ${seconds} s`, {
      exitCode: ExitCode.HOST,
    });
  return all;
}
