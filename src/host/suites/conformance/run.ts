/** All checks on all versions of Xen, several boots at a time. */
import type { XenBinary } from "../../debian/index.js";
import type { ConformanceBackend } from "./backend.js";
import { batchesOf, costOfAll } from "./batches.js";
import { EXPECTATIONS, reviewExpectations, type Expectations } from "./expectations.js";
import type { Run, Way } from "../../report/matrix/model.js";
import type { PlannedCheck } from "./planned-check.js";
import { BootCollector } from "./records.js";
import { runBoot } from "./run-boot.js";
import { VersionRun } from "./version-run.js";
import { given } from "../../base/given.js";

export const DEFAULT_SILENCE_MS = 60_000;

export interface MatrixOptions {
  backend: ConformanceBackend;
  on: Way;
  /** One run each; labels differ. */
  xens: readonly { label: string; xen: XenBinary }[];
  /** All there are: backend.plan(). */
  plan: readonly PlannedCheck[];
  /** Those to run, in the plan's order. */
  checks: readonly PlannedCheck[];
  /** How many boots at a time: 1 or more. */
  jobs: number;
  /** A boot that prints nothing for this long is ended. Default: DEFAULT_SILENCE_MS. */
  silenceMs?: number;
  /**
   * Checks that failed are run once more, apart from the others: they stay failed, and are reported as "failed 2 of 2" or as
   * "flaky: failed 1 of 2". Default: false.
   */
  repeatFailed?: boolean;
  /** Default: EXPECTATIONS. */
  table?: Expectations;
  /** Ends every boot; runMatrix rejects with its reason. */
  signal?: AbortSignal;
  /** A phase of a check has come to a result, whatever it is. */
  onCheck?(label: string, name: string): void;
  /** A version is through. */
  onRun?(run: Run): void;
}

/**
 * Runs them; the results are in the order of `xens`. A boot that dies costs the check
 * that was under way, with its group: the others are run again in a new one.
 *
 * Rejects when `signal` is aborted, once every boot has ended; and with an Error for a
 * table of differences that does not fit the plan.
 */
export async function runMatrix(options: MatrixOptions): Promise<Run[]> {
  const { checks, on, xens, jobs, signal, table = EXPECTATIONS } = options;
  const [finding] = reviewExpectations(table, options.plan);
  if (finding !== undefined) throw new Error(finding);

  const versions = xens.map(({ label, xen }) => new VersionRun(label, xen, on, table));
  const queue = versions
    .flatMap((version): Batch[] => {
      const toRun = version.toRun(checks);
      const knownBad = toRun.filter((check) => version.isKnownBad(check));
      const others = toRun.filter((check) => !knownBad.includes(check));
      const machines = [...new Set(others.map(({ machine }) => machine))];
      const batches = [
        ...machines.flatMap((machine) =>
          batchesOf(
            others.filter((check) => check.machine === machine),
            { jobs, versions: versions.length },
          ),
        ),
        ...knownBad.map((check) => [check]),
      ];
      version.waiting = batches.length;
      return batches.map((batch) => ({ version, checks: batch, attempt: 1, hung: false }));
    })
    .toSorted((a, b) => costOfAll(b.checks) - costOfAll(a.checks));
  const runs = new Map<VersionRun, Run>();
  const finish = (version: VersionRun): void => {
    const machine = options.backend.machine?.();
    const run = {
      ...version.finish(checks),
      ...given({ machine }),
    };
    runs.set(version, run);
    options.onRun?.(run);
  };
  const repeats = new Map<VersionRun, { of: VersionRun; checks: PlannedCheck[] }>();
  /** All batches of one are through: of a version, or of those of its checks that were run once more. */
  const through = (version: VersionRun): void => {
    const repeat = repeats.get(version);
    if (repeat !== undefined) {
      repeat.of.takeRepeat(version.finish(repeat.checks));
      finish(repeat.of);
      return;
    }
    const failed = options.repeatFailed === true ? version.failed(checks) : [];
    if (failed.length === 0) {
      finish(version);
      return;
    }
    const again = version.again();
    repeats.set(again, { of: version, checks: failed });
    const batches =
      failed.length <= MAX_ALONE
        ? failed.map((check) => [check])
        : batchesOf(failed, { jobs, versions: 1 });
    again.waiting = batches.length;
    queue.push(
      ...batches.map((batch) => ({ version: again, checks: batch, attempt: 1, hung: false })),
    );
  };
  for (const version of versions) if (version.waiting === 0) finish(version);

  // The first failure ends the other workers' boots, too.
  const stop = new AbortController();
  const abort = (): void => {
    stop.abort(signal?.reason);
  };
  signal?.addEventListener("abort", abort);
  if (signal?.aborted === true) abort();
  const worker = async (): Promise<void> => {
    for (let batch = queue.shift(); batch !== undefined; batch = queue.shift()) {
      stop.signal.throwIfAborted();
      const { version } = batch;
      const rest = await runBatch(batch, options, stop.signal);
      queue.unshift(...rest);
      version.waiting += rest.length - 1;
      if (version.waiting === 0) through(version);
    }
  };
  try {
    await Promise.all(
      Array.from({ length: jobs }, async () => {
        try {
          await worker();
        } catch (error) {
          stop.abort(error);
        }
      }),
    );
    stop.signal.throwIfAborted();
  } finally {
    signal?.removeEventListener("abort", abort);
  }
  return versions.flatMap((version) => runs.get(version) ?? []);
}

/** Checks that share a boot. */
interface Batch {
  version: VersionRun;
  checks: PlannedCheck[];
  /** From 1. */
  attempt: number;
  /** These hung once: a hang counts if it comes twice. */
  hung: boolean;
}

/** So many that failed are run once more in a boot each; where more did, what failed them is hardly chance. */
const MAX_ALONE = 8;

/** How often checks are tried when none of them can be blamed for a boot's end. */
const MAX_BLAMELESS = 2;

/** How long a Xen that is known to hang has to do so. */
const KNOWN_SILENCE_MS = 8000;

/** Returns what is to be run again. */
async function runBatch(
  batch: Batch,
  options: MatrixOptions,
  signal: AbortSignal,
): Promise<Batch[]> {
  const { version, checks, attempt, hung } = batch;
  const collector = new BootCollector(checks, new Set(options.plan.map(({ name }) => name)));
  const silenceMs = options.silenceMs ?? DEFAULT_SILENCE_MS;
  const knownBad = checks.every((check) => version.isKnownBad(check));
  const end = await runBoot({
    backend: options.backend,
    xen: version.xen,
    checks,
    collector,
    silenceMs,
    silenceOnceBegunMs: knownBad ? Math.min(silenceMs, KNOWN_SILENCE_MS) : silenceMs,
    signal,
    onCheck: (name) => options.onCheck?.(version.label, name),
  });
  version.take(checks, collector, end);
  const { unfinished, running } = collector;
  const again = (rest: PlannedCheck[], hangs = false): Batch[] =>
    rest.length === 0 ? [] : [{ version, checks: rest, attempt: attempt + 1, hung: hangs }];
  switch (end.how) {
    case "exit":
      version.giveUp(unfinished, collector, end);
      return [];
    case "died": {
      const others = unfinished.filter((check) => !running.includes(check));
      const unsaid = running.filter(({ name }) => !collector.evidence(name).phases.has("check"));
      if (end.hung && !hung && unsaid.length > 0)
        return [...again(running, true), ...again(others)];
      version.giveUp(running, collector, hung ? { ...end, why: `${end.why}, twice` } : end);
      return again(others);
    }
    case "blameless":
      if (attempt < MAX_BLAMELESS) return again(unfinished);
      version.giveUp(unfinished, collector, end);
      if (end.problem?.kind === "host") version.addProblem({ ...end.problem, log: end.log });
      return [];
  }
}
