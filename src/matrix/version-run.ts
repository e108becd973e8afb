/** What the boots of one version come to, all together. */
import type { XenBinary } from "../machine/debian/index.js";
import type { Expectations } from "./expectations.js";
import { judge, judgeStranger, notRun, type Account, type Bench } from "./judge.js";
import {
  isFlat,
  type CheckResult,
  type PlannedCheck,
  type Problem,
  type Run,
  type Series,
  type TimelineStage,
  type Way,
} from "./model.js";
import type { BootCollector } from "./records.js";
import type { BootEnd } from "./run-boot.js";
import { parseVersion } from "./version.js";

export class VersionRun {
  /** Batches that are not through. */
  waiting = 0;
  boots = 0;
  busyMs = 0;
  readonly #accounts = new Map<string, Account>();
  readonly #skipped = new Map<string, CheckResult>();
  readonly #collectors: BootCollector[] = [];
  readonly #strangers: { name: string; known: boolean; status: string; log: string | null }[] = [];
  readonly #problems: Problem[] = [];
  #banner: string | null = null;
  #run: Run | null = null;

  constructor(
    readonly label: string,
    readonly xen: XenBinary,
    private readonly options: Pick<MatrixOptions, "on">,
    private readonly table: Expectations,
  ) {}

  /** By what is known before a boot. */
  get #bench(): Bench {
    const { label, table, xen } = this;
    const version =
      parseVersion(this.#banner) ?? parseVersion(xen.debianVersion) ?? parseVersion(xen.release);
    return { xen: label, on: this.options.on, version, table };
  }

  /** Leaves out what cannot be shown there. */
  toRun(checks: readonly PlannedCheck[]): PlannedCheck[] {
    return checks.filter((check) => {
      const skipped = notRun(check, this.#bench);
      if (skipped !== null) this.#skipped.set(check.name, skipped);
      return skipped === null;
    });
  }

  take(
    collector: BootCollector,
    checks: readonly PlannedCheck[],
    log: string | null,
    { banner, problem }: End,
  ): void {
    this.#banner ??= banner;
    this.#collectors.push(collector);
    for (const { name } of checks)
      if (!collector.unfinished.some((one) => one.name === name))
        this.#accounts.set(name, { evidence: collector.evidence(name), end: null, log });
    this.#strangers.push(...collector.strangers.map((one) => ({ ...one, log })));
    // Trouble on the host that does not come again is none.
    if (problem !== null && problem.kind !== "host") this.trouble({ ...problem, log });
    for (const message of collector.contradictions) this.trouble({ kind: "records", message, log });
  }

  trouble(problem: Problem): void {
    this.#problems.push(problem);
  }

  /** A check will not be run again, and has no result. */
  ended(name: string, collector: BootCollector, why: string, log: string | null): void {
    this.#accounts.set(name, { evidence: collector.evidence(name), end: why, log });
  }

  finish(checks: readonly PlannedCheck[]): Run {
    this.#run ??= this.#finish(checks);
    return this.#run;
  }

  #finish(checks: readonly PlannedCheck[]): Run {
    const bench = this.#bench;
    const missing: Account = { evidence: null, end: null, log: null };
    const results = checks.map(
      (check) =>
        this.#skipped.get(check.name) ??
        judge(check, this.#accounts.get(check.name) ?? missing, bench),
    );
    for (const stranger of this.#strangers) {
      const result = judgeStranger(stranger, stranger.log, bench);
      const at = results.findIndex(({ name }) => name === stranger.name);
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
      on: this.options.on,
      debianVersion: this.xen.debianVersion,
      banner: this.#banner,
      checks: results,
      state: lastOfEach(this.#collectors.flatMap((one) => one.state)),
      timeline: this.#timeline,
      series: lastOfEach(series),
      problems: [...this.#problems, ...drifts],
      boots: this.boots,
      durationMs: this.busyMs,
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
