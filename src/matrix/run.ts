/** All checks on all versions of Xen, several boots at a time. */
import { UserError } from "../errors.js";
import { ExitCode } from "../exit-codes.js";
import type { XenBinary } from "../machine/debian/index.js";
import { formatMs } from "../machine/stages.js";
import type { ConformanceBackend, ConformanceBoot } from "./backend.js";
import { batchesOf, costOf } from "./batches.js";
import { EXPECTATIONS, reviewExpectations, type Expectations } from "./expectations.js";
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
import { BootCollector } from "./records.js";
import { parseVersion } from "./version.js";

export const DEFAULT_SILENCE_MS = 60_000;

export interface MatrixOptions {
  backend: ConformanceBackend;
  on: Way;
  /** One run each; labels differ. */
  xens: { label: string; xen: XenBinary }[];
  /** All there are: backend.plan(). */
  plan: readonly PlannedCheck[];
  /** Those to run, in the plan's order. */
  checks: readonly PlannedCheck[];
  /** How many boots at a time: 1 or more. */
  jobs: number;
  /** A boot that says nothing for so long is ended. Default: DEFAULT_SILENCE_MS. */
  silenceMs?: number;
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
 * that was under way: the others are run again in a new one.
 *
 * Rejects when `signal` is aborted, once every boot has ended; and with an Error for a
 * table of differences that does not fit the plan.
 */
export async function runMatrix(options: MatrixOptions): Promise<Run[]> {
  const { plan, checks, xens, jobs, signal } = options;
  const table = options.table ?? EXPECTATIONS;
  const [finding] = reviewExpectations(table, plan);
  if (finding !== undefined) throw new Error(finding);
  const stop = new AbortController();
  const abort = (): void => {
    stop.abort(signal?.reason);
  };
  signal?.addEventListener("abort", abort);
  if (signal?.aborted === true) abort();

  const versions = xens.map(({ label, xen }) => new VersionRun(label, xen, options, table));
  const queue: Batch[] = versions
    .flatMap((version) =>
      batchesOf(version.toRun(checks), { jobs, versions: xens.length }).map((batch) => ({
        version,
        checks: batch,
        attempt: 1,
      })),
    )
    .toSorted((a, b) => costOfAll(b.checks) - costOfAll(a.checks));
  for (const version of versions)
    version.waiting = queue.filter((batch) => batch.version === version).length;

  const known = new Set(plan.map(({ name }) => name));
  const worker = async (): Promise<void> => {
    for (let batch = queue.shift(); batch !== undefined; batch = queue.shift()) {
      stop.signal.throwIfAborted();
      const rest = await runBatch(batch, known, options, stop.signal);
      if (rest.length > 0)
        queue.unshift({ version: batch.version, checks: rest, attempt: batch.attempt + 1 });
      else batch.version.waiting--;
      if (batch.version.waiting === 0) options.onRun?.(batch.version.finish(checks));
    }
  };
  try {
    const ended = await Promise.allSettled(
      Array.from({ length: jobs }, () =>
        worker().catch((error: unknown) => {
          stop.abort(error);
          throw error;
        }),
      ),
    );
    signal?.throwIfAborted();
    for (const one of ended) if (one.status === "rejected") throw stop.signal.reason;
    return versions.map((version) => version.finish(checks));
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

interface Batch {
  version: VersionRun;
  checks: PlannedCheck[];
  /** From 1. */
  attempt: number;
}

function costOfAll(checks: readonly PlannedCheck[]): number {
  return checks.reduce((sum, check) => sum + costOf(check), 0);
}

/** How often checks are run again that nobody can be blamed for: QEMU was killed, a record was lost. */
const MAX_BLAMELESS = 2;

/** One boot. Returns the checks that are to be run again. */
async function runBatch(
  batch: Batch,
  known: ReadonlySet<string>,
  options: MatrixOptions,
  signal: AbortSignal,
): Promise<PlannedCheck[]> {
  const { version, checks } = batch;
  const collector = new BootCollector(checks, known);
  const { end, log } = await boot(batch, collector, options, signal);
  version.take(collector, checks, log, end);
  const { unfinished, running } = collector;
  if (unfinished.length === 0) return [];
  const suffer = (of: PlannedCheck[], why: string): void => {
    for (const { name } of of) version.ended(name, collector, why, log);
  };
  switch (end.how) {
    case "exit":
      suffer(unfinished, end.why);
      return [];
    case "blameless":
      if (batch.attempt < MAX_BLAMELESS) return unfinished;
      suffer(unfinished, `${end.why} (${batch.attempt} times)`);
      if (end.problem?.kind === "host") version.trouble({ ...end.problem, log });
      return [];
    case "died": {
      suffer(running === null ? [] : [running], end.why);
      return unfinished.filter((check) => check !== running);
    }
  }
}

