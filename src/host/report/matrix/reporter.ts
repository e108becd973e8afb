/** What a reporter of the matrix is: from a report to text. Where the text goes is decided elsewhere. */
import { plural } from "../../base/text.js";
import { countRuns, type Report, type Run } from "./model.js";

export interface MatrixReporterOptions {
  /** ANSI colours. */
  colors: boolean;
  /** Of the terminal. */
  columns: number;
}

/** Whole lines. */
export type MatrixReporter = (report: Report, options: MatrixReporterOptions) => string;

/** "285 checks: 270 passed, 1 failed, 14 skipped; 120 controls red". */
export function describeCounts(runs: readonly Run[], row = "check"): string {
  const { total, passed, failed, skipped, controls, problems } = countRuns(runs);
  const more = problems === 0 ? "" : `, ${problems} ${problems === 1 ? "problem" : "problems"}`;
  return (
    `${plural(total, row)}: ${passed} passed, ${failed} failed, ${skipped} skipped${more}` +
    (controls === 0 ? "" : `; ${plural(controls, "control")} red`)
  );
}

/** What of all checks a report is about: "shard 1/3 of 95 checks"; empty if it is all of it. */
export function describeShard({ shard, selected }: Report): string {
  return shard === null ? "" : `shard ${shard.index}/${shard.of} of ${selected.length} checks`;
}

/** A check that failed, with the versions on which it did so in the same way. */
export interface Failure {
  name: string;
  title: string;
  detail: string;
  on: { label: string; log: string | null }[];
}

/** In the order in which the checks first failed. */
export function failuresOf({ runs }: Report): Failure[] {
  const failures: Failure[] = [];
  for (const { label, checks } of runs)
    for (const { name, title, detail, status, log } of checks) {
      if (status !== "failed") continue;
      let failure = failures.find((one) => one.name === name && one.detail === detail);
      if (failure === undefined) failures.push((failure = { name, title, detail, on: [] }));
      failure.on.push({ label, log });
    }
  return failures;
}

/** Logs of a failure, each once. */
export function logsOf({ on }: Failure): string[] {
  return [...new Set(on.flatMap(({ log }) => log ?? []))];
}
