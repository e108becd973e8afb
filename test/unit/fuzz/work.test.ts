// A batch of a long run that cannot be built, or whose guest does not end, costs only the module that is to blame.
// Why: a run of hours must neither stop at the first of them nor pass it over. What runs the modules is made up here.
// Fails if a module is not blamed, if another is, or if what fails only in company counts as a success.

import { expect, test } from "vitest";

import type { RunReport } from "../../fuzz/run.js";
import { runBatch } from "../../fuzz/work.js";

const batch = { kind: "random", seed: 100, count: 20, flags: [] } as const;

/** Each module makes two calls, of which one traps; a batch fails if `fails` says so of its seeds. */
function runner(fails: (seeds: number[]) => boolean) {
  return async (_kind: string, seed: number, count: number): Promise<RunReport> => {
    const seeds = Array.from({ length: count }, (_, index) => seed + index);
    if (fails(seeds)) throw new Error("the guest did not finish");
    const traps = new Map([[1, count]]);
    return Promise.resolve({ modules: count, calls: 2 * count, traps, disagreements: [] });
  };
}

test("one module that does not end is found, and the others are run", async () => {
  const report = await runBatch(
    { ...batch, flags: [] },
    undefined,
    runner((seeds) => seeds.includes(113)),
  );
  expect(report).toMatchObject({ modules: 19, calls: 38, traps: { 1: 19 } });
  expect(report.failures).toEqual(["random seed 113: the guest did not finish"]);
});

test("what fails only in company has failed", async () => {
  const report = await runBatch(
    { ...batch, flags: [] },
    undefined,
    runner((seeds) => seeds.length > 10),
  );
  expect(report.modules).toBe(20);
  expect(report.failures).toEqual([
    "random seeds 100 to 119, all together: the guest did not finish",
  ]);
});

test("the control: a batch in which all is well has no failures", async () => {
  const report = await runBatch(
    { ...batch, flags: [] },
    undefined,
    runner(() => false),
  );
  expect(report).toMatchObject({ batch: { seed: 100 }, modules: 20, calls: 40, failures: [] });
});
