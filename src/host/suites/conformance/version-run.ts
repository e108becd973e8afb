/** What the boots of one version come to, all together. */
import type { XenBinary } from "../../debian/index.js";
import type { Expectations } from "./expectations.js";
import { judge, judgeUnexpected, notRun, type CheckRecord, type JudgeContext } from "./judge.js";
import {
  isFlat,
  type CheckResult,
  type Problem,
  type Run,
  type Series,
  type TimelineStage,
  type Way,
} from "../../report/matrix/model.js";
import type { PlannedCheck } from "./planned-check.js";
import type { BootCollector, UnexpectedCheck } from "./records.js";
import type { BootEnd } from "./run-boot.js";
import { faultOf, judgeKnown } from "./known-faults.js";
import { parseVersion } from "./version.js";

const MISSING: CheckRecord = { evidence: null, end: null, log: null };

export class VersionRun {
  /** Batches of checks that are not through; the queue counts them. */
  waiting = 0;

  readonly #checkRecords = new Map<string, CheckRecord>();
  readonly #skipped = new Map<string, CheckResult>();
  readonly #collectors: BootCollector[] = [];
  readonly #unexpected: { unexpected: UnexpectedCheck; log: string | null }[] = [];
  readonly #problems: Problem[] = [];
  /** What became of those that had failed, run once more. */
  #repeated: Run | null = null;
  #boots = 0;
  #durationMs = 0;
  #banner: string | null = null;

  constructor(
    readonly label: string,
    readonly xen: XenBinary,
    private readonly on: Way,
    private readonly table: Expectations,
  ) {}

  /** The banner, once there is one, tells most: a file may not. */
  get #context(): JudgeContext {
    const { debianVersion, release } = this.xen;
    const version =
      parseVersion(this.#banner) ?? parseVersion(debianVersion) ?? parseVersion(release);
    return { xen: this.label, on: this.on, version, table: this.table };
  }

  /** Leaves out what cannot be shown there. */
  toRun(checks: readonly PlannedCheck[]): PlannedCheck[] {
    return checks.filter((check) => {
      const skipped = notRun(check, this.#context);
      if (skipped !== null) this.#skipped.set(check.name, skipped);
      return skipped === null;
    });
  }

  /** Whether this Xen is known to fail it: such a check has a boot of its own. */
  isKnownBad({ name }: PlannedCheck): boolean {
    return faultOf(this.table.faults, name, this.#context.version) !== null;
  }

  /** A boot is over: takes the results that it came to. */
  take(checks: readonly PlannedCheck[], collector: BootCollector, end: BootEnd): void {
    const { log, problem } = end;
    this.#boots++;
    this.#durationMs += end.durationMs;
    this.#banner ??= end.banner;
    this.#collectors.push(collector);
    const unfinished = new Set(collector.unfinished);
    for (const check of checks)
      if (!unfinished.has(check))
        this.#checkRecords.set(check.name, {
          evidence: collector.evidence(check.name),
          end: null,
          log,
        });
    this.#unexpected.push(...collector.unexpected.map((unexpected) => ({ unexpected, log })));
    for (const message of collector.contradictions)
      this.addProblem({ kind: "records", message, log });
    // A problem of the host that does not recur is ignored.
    const knownBad = checks.every((check) => this.isKnownBad(check));
    if (problem !== null && problem.kind !== "host" && !knownBad)
      this.addProblem({ ...problem, log });
  }

  /** These will not be run again: their evidence is complete. */
  giveUp(checks: readonly PlannedCheck[], collector: BootCollector, end: BootEnd): void {
    for (const check of checks) {
      const words = collector.lastWords(check);
      this.#checkRecords.set(check.name, {
        evidence: collector.evidence(check.name),
        end: words === null ? end.why : `${end.why}; last logged: ${words}`,
        log: end.log,
      });
    }
  }

  addProblem(problem: Problem): void {
    this.#problems.push(problem);
  }

  /** Those of `checks` that have failed so far, but for those that this Xen is known to fail. */
  failed(checks: readonly PlannedCheck[]): PlannedCheck[] {
    return checks.filter(
      (check) => !this.isKnownBad(check) && this.#resultOf(check).status === "failed",
    );
  }

  /** For a second run of some checks on the same Xen. */
  again(): VersionRun {
    return new VersionRun(this.label, this.xen, this.on, this.table);
  }

  /** Takes the results of a second run of the failed checks: what failed once has not passed. */
  takeRepeat(run: Run): void {
    this.#repeated = run;
    this.#boots += run.boots;
    this.#durationMs += run.durationMs;
    this.#problems.push(...run.problems);
  }

  #resultOf(check: PlannedCheck): CheckResult {
    const context = this.#context;
    const skipped = this.#skipped.get(check.name);
    if (skipped !== undefined) return skipped;
    const result = judge(check, this.#checkRecords.get(check.name) ?? MISSING, context);
    const fault = faultOf(this.table.faults, check.name, context.version);
    return fault === null ? result : judgeKnown(result, fault);
  }

  #withRepeat(result: CheckResult): CheckResult {
    const second = this.#repeated?.checks.find(({ name }) => name === result.name);
    if (second === undefined) return result;
    const detail =
      second.status === "failed"
        ? `failed 2 of 2: ${result.detail}${second.detail === result.detail ? "" : `; the second time: ${second.detail}`}`
        : `flaky: failed 1 of 2: ${result.detail}`;
    return { ...result, detail };
  }

  /** `checks`: all that were to run. Those that no boot came to have failed. */
  finish(checks: readonly PlannedCheck[]): Run {
    const context = this.#context;
    const results = checks.map((check) => this.#withRepeat(this.#resultOf(check)));
    for (const { unexpected, log } of this.#unexpected) {
      const result = judgeUnexpected(unexpected, log, context);
      const at = results.findIndex(({ name }) => name === unexpected.name);
      const before = results[at];
      if (before === undefined) results.push(result);
      else results[at] = { ...before, status: "failed", detail: result.detail };
    }
    const series = this.#collectors.flatMap((one) => one.series);
    const drifts = series
      .filter((one) => !isFlat(one))
      .map((one): Problem => ({ kind: "drift", message: describeDrift(one), log: null }));
    return {
      label: this.label,
      on: this.on,
      debianVersion: this.xen.debianVersion,
      banner: this.#banner,
      checks: results,
      state: lastOfEach(this.#collectors.flatMap((one) => one.state)),
      timeline: this.#timeline,
      series: lastOfEach(series),
      problems: [...this.#problems, ...drifts],
      boots: this.#boots,
      durationMs: this.#durationMs,
    };
  }

  /** Of one soft reset: that of the boot that told most. */
  get #timeline(): TimelineStage[] {
    return this.#collectors
      .map(({ timeline }) => timeline)
      .reduce((most, one) => (one.length > most.length ? one : most), [])
      .toSorted((a, b) => a.ns - b.ns);
  }
}

/** A boot that was repeated has told of some things before. */
function lastOfEach<T extends { name: string }>(rows: readonly T[]): T[] {
  return [...new Map(rows.map((row) => [row.name, row])).values()];
}

function describeDrift({ name, values }: Series): string {
  const at = values.findIndex((one) => one !== values[0]);
  return (
    `${name} moved: ${values[0] ?? ""} at first, ${values[at] ?? ""} at sample ${at + 1} ` +
    `of ${values.length}, ${values.at(-1) ?? ""} at last`
  );
}
