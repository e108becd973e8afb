/** The exit code that a report leads to. */
import { ExitCode } from "../../base/exit-codes.js";
import { runFailed, type Report } from "../../report/matrix/model.js";

export const CONFORM_EXIT_CODES = {
  /** A check failed, or a finding belongs to none. */
  FAILED: 1,
} as const;

/**
 * 122 if a version was not available or QEMU did not run, else 1 where something
 * failed, else 0. What was skipped does not count, what was not run at all does.
 */
export function exitCodeOfReport({ runs, unavailable }: Report): number {
  const host = runs.some(({ problems }) => problems.some(({ kind }) => kind === "host"));
  if (host || runs.length === 0 || unavailable.some(({ excused }) => !excused))
    return ExitCode.HOST;
  return runs.some(runFailed) ? CONFORM_EXIT_CODES.FAILED : ExitCode.OK;
}
