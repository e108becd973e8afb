// The conformance matrix on a real Xen, end to end: the list of checks, the program that makes them, its records,
// the expectations, and two shards that are joined. Why: every part of it is tested with a stand-in for the next
// one. Fails if a part has changed its mind about names or records; all checks on all versions are `xenlet conform`.

import { expect, test } from "vitest";

import { createBackend } from "../../src/host/suites/conformance/default-backend.js";
import { reportOf } from "../../src/host/suites/conformance/document.js";
import { EXPECTATIONS, type Expectations } from "../../src/host/suites/conformance/expectations.js";
import { mergeReports } from "../../src/host/suites/conformance/merge.js";
import type { Report, Run } from "../../src/host/report/matrix/model.js";
import { jsonReporter } from "../../src/host/suites/conformance/reporters/json.js";
import { runMatrix } from "../../src/host/suites/conformance/run.js";
import { filterChecks, shardChecks } from "../../src/host/suites/conformance/select.js";
import { createProgress } from "../../src/host/base/progress.js";
import { xen } from "./setup.js";

const { signal } = new AbortController();
const progress = createProgress(process.stderr, { quiet: true });
const backend = await createBackend({ on: "domu", progress, signal });
const plan = await backend.plan();
const checks = filterChecks(plan, ["event-channels/*", "vcpu-info/*"]);

async function run(names: typeof checks, table: Expectations = EXPECTATIONS): Promise<Run> {
  const xens = [{ label: "4.17", xen }];
  const [only] = await runMatrix({
    backend,
    on: "domu",
    xens,
    plan,
    checks: names,
    jobs: 1,
    table,
  });
  if (only === undefined) throw new Error("no run");
  return only;
}

test("two shards make one report: all passed, every control red, one soft reset's picture", async () => {
  const parts: { file: string; report: Report }[] = [];
  for (const index of [1, 2]) {
    const shard = { index, of: 2 };
    const part = await run(shardChecks(checks, shard));
    const report: Report = {
      runs: [part],
      unavailable: [],
      selected: checks.map(({ name }) => name),
      shard,
      began: "2025-06-01T08:30:00.000Z",
      durationMs: part.durationMs,
    };
    const file = `${String(index)}.json`;
    const json = jsonReporter(report, { colors: false, columns: 80 });
    parts.push({ file, report: reportOf(json, file) });
  }
  const [merged] = mergeReports(parts).runs;
  expect(merged?.problems).toEqual([]);
  expect(merged?.checks.map(({ name }) => name)).toEqual(checks.map(({ name }) => name));
  expect(merged?.checks.filter(({ status }) => status !== "passed")).toEqual([]);
  expect(merged?.checks.filter(({ control }) => control !== "red")).toEqual([]);
  expect(merged?.banner).toMatch(/^4\.17\./);
  expect(merged?.timeline.length).toBeGreaterThan(3);
  expect(merged?.timeline[0]?.ns).toBe(0);
  expect(merged?.state.length).toBeGreaterThan(3);
});

test("control: a table that knows another Xen makes the same check fail, with both values", async () => {
  const differences = EXPECTATIONS.differences.map((one) =>
    one.value === "vcpu-info-again"
      ? { ...one, answers: one.answers.map((answer) => ({ ...answer, expected: "-38" })) }
      : one,
  );
  const part = await run(filterChecks(plan, ["vcpu-info/registered-again"]), {
    ...EXPECTATIONS,
    differences,
  });
  expect(part.checks).toMatchObject([
    {
      status: "failed",
      detail: expect.stringContaining(
        "its control observed vcpu-info-again = -22, expected -38",
      ) as unknown,
    },
  ]);
  expect(part.problems).toEqual([]);
});
