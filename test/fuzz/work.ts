// One batch of a long run: what it did, and each disagreement made small.

import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

import { cacheFolder } from "../../src/host/cache/cache-folder.js";
import { reduce } from "./reduce.js";
import {
  prepare,
  wrongCases,
  runSeeds,
  type Disagreement,
  type HowToBuild,
  type Kind,
} from "./run.js";

export interface Batch {
  kind: Kind;
  seed: number;
  count: number;
  /** More flags for the modules' C. */
  flags: string[];
}

export interface BatchReport {
  batch: Batch;
  /** Those that had something to call. */
  modules: number;
  calls: number;
  /** How many of each class (driver.c) V8 saw. */
  traps: Record<number, number>;
  /** A text for each module that the guest and V8 do not agree on, or that one of them could not do at all. */
  failures: string[];
}

/** Of one batch: when many modules are wrong, a few tell why. */
const REDUCED_AT_MOST = 3;

/** A module takes milliseconds; that is how long one may take that has lost what ends its loop. */
const REDUCED_TIME_MS = 500;

/** Nothing of a long run is built twice, and it has as many batches at a time as there are CPUs. */
const howToBuild = ({ flags }: Batch): HowToBuild => ({ flags, jobs: 1, cache: false });

/** The module reduced, as a file and as a text. */
async function told(batch: Batch, found: Disagreement): Promise<string> {
  const { kind } = batch;
  const start = performance.now();
  const what = `${kind} seed ${found.seed}: the guest and V8 disagree at ${found.step} (${found.guest}, ${found.v8})`;
  const small = await reduce(found, async (candidates) => {
    const cases = candidates.flatMap((one, index) => {
      try {
        return [prepare(index, one.wasm, one.calls, REDUCED_TIME_MS)];
      } catch {
        return []; // it does not end, does what the account has no word for, or uses what the lowering lacks
      }
    });
    return wrongCases(cases, { ...howToBuild(batch), timeoutMs: 30_000 });
  });
  const folder = path.join(cacheFolder(), "fuzz");
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, `${kind}-${found.seed}.wat`);
  await writeFile(file, small.text);
  return `${what}\n  ${small.finished ? "reduced" : "reduced as far as ten minutes go,"} from ${found.wasm.length} to ${small.wasm.length} bytes in ${((performance.now() - start) / 1000).toFixed(0)} s: ${file}\n${small.text}`;
}

/** Never throws: a batch that cannot be built or does not end is halved until the module is found that is to blame. */
export async function runBatch(
  batch: Batch,
  onStage: (stage: string) => void = () => undefined,
  run = runSeeds,
): Promise<BatchReport> {
  const { kind, seed, count } = batch;
  let report;
  try {
    report = await run(kind, seed, count, { ...howToBuild(batch), onStage });
  } catch (error) {
    if (count === 1)
      return {
        batch,
        modules: 0,
        calls: 0,
        traps: {},
        failures: [`${kind} seed ${seed}: ${(error as Error).message}`],
      };
    const half = Math.ceil(count / 2);
    const first = await runBatch({ ...batch, count: half }, onStage, run);
    const second = await runBatch(
      { ...batch, seed: seed + half, count: count - half },
      onStage,
      run,
    );
    const traps = { ...first.traps };
    for (const [trap, times] of Object.entries(second.traps))
      traps[Number(trap)] = (traps[Number(trap)] ?? 0) + times;
    const failures = [...first.failures, ...second.failures];
    // What fails only in company is a failure, too.
    if (failures.length === 0)
      failures.push(
        `${kind} seeds ${seed} to ${seed + count - 1}, all together: ${(error as Error).message}`,
      );
    const modules = first.modules + second.modules;
    return { batch, modules, calls: first.calls + second.calls, traps, failures };
  }
  const failures: string[] = [];
  for (const [index, found] of report.disagreements.entries())
    failures.push(
      index >= REDUCED_AT_MOST
        ? `${kind} seed ${found.seed}: disagree at ${found.step}`
        : await told(batch, found).catch(
            (error: unknown) =>
              `${kind} seed ${found.seed}: disagree at ${found.step}; not reduced: ${(error as Error).message}`,
          ),
    );
  const { modules, calls } = report;
  return { batch, modules, calls, traps: Object.fromEntries(report.traps), failures };
}
