/** What a reporter is: from results to text. Where the text goes is decided elsewhere. */
import type { FileResult, RunResult, TestResult } from "../model.js";
import type { SourceLines } from "../source-lines.js";

export interface ReporterOptions {
  /** ANSI colours. */
  colors: boolean;
  source: SourceLines;
}

/** Each method returns whole lines, or the empty string. */
export interface Reporter {
  /** A file has come to its end; in no particular order. */
  file(result: FileResult): string;
  /** All have; the results are in the files' order. */
  end(result: RunResult): string;
}

/** Why a test is not among the passed ones, on one line: its message, or how many of its assertions failed. */
export function reasonOf(test: TestResult): string {
  if (test.message !== null) return test.message;
  const failed = test.assertions.filter(({ ok }) => !ok);
  const [first] = failed;
  if (first === undefined) return test.status;
  const more = failed.length === 1 ? "" : ` (and ${failed.length - 1} more)`;
  return `${first.text}: expected ${first.expected ?? "?"}, actual ${first.actual ?? "?"}${more}`;
}
