/** From the reports of shards to the report of all of them. */
import { UserError } from "../../base/errors.js";
import {
  nameRun,
  type CheckResult,
  type Report,
  type Run,
  type Unavailable,
} from "../../report/matrix/model.js";

export interface ReportFile {
  file: string;
  report: Report;
}

/**
 * Throws a UserError that names the files where they do not make one report: other sets
 * of checks, other builds of Xen under one name, a shard that is missing, a check with
 * two results. The same result twice is not a conflict.
 */
export function mergeReports(files: readonly ReportFile[]): Report {
  const [first] = files;
  if (first === undefined) throw new UserError("there are no reports to merge");
  for (const other of files) sameSelection(first, other);
  const labels = new Set(
    files.flatMap(({ report: { runs, unavailable } }) =>
      [...runs, ...unavailable].map(({ label }) => label),
    ),
  );
  const parts = [...labels].sort(byVersion).map((label) => mergeLabel(label, files));
  return {
    runs: parts.flatMap(({ run }) => run ?? []),
    unavailable: parts.flatMap(({ unavailable }) => unavailable ?? []),
    selected: first.report.selected,
    shard: null,
    began: files.map(({ report }) => report.began).sort()[0] ?? first.report.began,
    durationMs: Math.max(...files.map(({ report }) => report.durationMs)),
  };
}

function sameSelection(a: ReportFile, b: ReportFile): void {
  const difference = (left: Report, right: Report): string | undefined =>
    left.selected.find((name) => !right.selected.includes(name));
  const only = difference(a.report, b.report) ?? difference(b.report, a.report);
  if (only !== undefined)
    throw conflict(
      `${a.file} and ${b.file} differ in their checks: ${only} is in only one of them`,
    );
}

/** Releases as numbers, files behind them by name. */
function byVersion(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

function mergeLabel(
  label: string,
  files: readonly ReportFile[],
): { run: Run | null; unavailable: Unavailable | null } {
  const having = files.flatMap(({ file, report }) => {
    const run = report.runs.find((one) => one.label === label);
    return run === undefined ? [] : [{ file, report, run }];
  });
  const lacking = files.flatMap(({ file, report }) => {
    const unavailable = report.unavailable.find((one) => one.label === label);
    return unavailable === undefined ? [] : [{ file, report, unavailable }];
  });
  complete(label, [...having, ...lacking]);
  const [first, ...others] = having;
  const [lost] = lacking;
  if (first === undefined) return { run: null, unavailable: lost?.unavailable ?? null };
  if (lost !== undefined)
    throw conflict(
      `${lost.file} could not run its part on Xen ${label}, but ${first.file} could: ` +
        lost.unavailable.reason,
    );
  for (const other of others)
    if (!sameBuild(first.run, other.run))
      throw conflict(
        `${first.file} is of ${nameRun(first.run)}, ${other.file} of ${nameRun(other.run)}`,
      );
  return { run: mergeRuns(having, first.report.selected), unavailable: null };
}

/** A run in which nothing booted has no banner. */
function sameBuild(a: Run, b: Run): boolean {
  if (a.debianVersion !== b.debianVersion) return false;
  return a.banner === null || b.banner === null || a.banner === b.banner;
}

/** That every shard is there. */
function complete(label: string, parts: readonly ReportFile[]): void {
  const shardOf = ({ report }: ReportFile): { index: number; of: number } =>
    report.shard ?? { index: 1, of: 1 };
  const [first] = parts;
  if (first === undefined) return;
  const { of } = shardOf(first);
  const other = parts.find((part) => shardOf(part).of !== of);
  if (other !== undefined)
    throw conflict(
      `${first.file} is one of ${of} shards of Xen ${label}, ${other.file} one of ${shardOf(other).of}`,
    );
  const indices = parts.map((part) => shardOf(part).index);
  const missing = Array.from({ length: of }, (_, at) => at + 1).filter(
    (index) => !indices.includes(index),
  );
  if (missing.length === 0) return;
  const there = parts.map((part) => `${part.file} is ${shardOf(part).index}/${of}`);
  throw conflict(
    `of Xen ${label}, no file is shard ` +
      `${missing.map((index) => `${index}/${of}`).join(" or ")} (${there.join(", ")})`,
  );
}

function mergeRuns(parts: readonly { file: string; run: Run }[], selected: readonly string[]): Run {
  const [head] = parts;
  if (head === undefined) throw new Error("no runs");
  const found = new Map<string, { file: string; check: CheckResult }>();
  for (const { file, run } of parts)
    for (const check of run.checks) {
      const before = found.get(check.name);
      if (before !== undefined && before.check.status !== check.status)
        throw conflict(
          `${check.name} on Xen ${run.label} ${before.check.status} in ${before.file}, and ${check.status} in ${file}`,
        );
      if (before === undefined) found.set(check.name, { file, check });
    }
  const absent = selected.find((name) => !found.has(name));
  if (absent !== undefined)
    throw conflict(
      `${absent} on Xen ${head.run.label} is in none of ${parts.map(({ file }) => file).join(", ")}`,
    );
  const order = (name: string): number => {
    const at = selected.indexOf(name);
    return at < 0 ? selected.length : at;
  };
  const runs = parts.map(({ run }) => run);
  const sum = (of: (run: Run) => number): number => runs.reduce((all, run) => all + of(run), 0);
  const { machine, ...one } = head.run;
  const same = runs.every((run) => JSON.stringify(run.machine) === JSON.stringify(machine));
  return {
    ...one,
    ...(machine !== undefined && same ? { machine } : {}),
    banner: runs.find(({ banner }) => banner !== null)?.banner ?? null,
    checks: [...found.values()]
      .map(({ check }) => check)
      .toSorted((a, b) => order(a.name) - order(b.name)),
    state: firstOfEach(runs.flatMap(({ state }) => state)),
    timeline: runs
      .map(({ timeline }) => timeline)
      .reduce((most, one) => (one.length > most.length ? one : most)),
    series: firstOfEach(runs.flatMap(({ series }) => series)),
    problems: runs.flatMap(({ problems }) => problems),
    boots: sum(({ boots }) => boots),
    durationMs: sum(({ durationMs }) => durationMs),
  };
}

function firstOfEach<T extends { name: string }>(rows: readonly T[]): T[] {
  return rows.filter(({ name }, index) => rows.findIndex((row) => row.name === name) === index);
}

function conflict(message: string): UserError {
  return new UserError(`these reports do not fit together: ${message}`);
}
