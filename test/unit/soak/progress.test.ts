// How far a soak has come, between two calls of it. Why: hours of it are worth nothing if an interruption loses them, or if
// figures of two trees are added. Fails if a round is forgotten or counted twice, if another tree continues with this one's
// figures, if a failure is not in the table, or if a step that is complete does not begin again.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";

import { SoakProgress } from "../../soak/progress.js";
import type { SoakStep } from "../../soak/step.js";
import { soakSteps } from "../../soak/steps.js";

const STEP: SoakStep = {
  name: "boots",
  title: "boots",
  unit: "boots",
  target: 100,
  round: () => Promise.reject(new Error("not run here")),
};
const COST = { wallS: 90, cpuS: 60 };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "xenlet-soak-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function table(): Promise<string[]> {
  return (await readFile(path.join(folder, "results.md"), "utf8")).trim().split("\n").slice(2);
}

test("another call goes on where the last one ended, and the table has both", async () => {
  const first = await SoakProgress.open(folder, "a1");
  await first.add(STEP, { done: 50, failures: ["boot 7: timeout"] }, COST);
  await first.conclude(STEP, "4.17");

  const second = await SoakProgress.open(folder, "a1");
  expect(second.of(STEP)).toMatchObject({ done: 50, failures: ["boot 7: timeout"] });
  await second.add(STEP, { done: 50, failures: [] }, COST);
  expect(second.isComplete(STEP)).toBe(true);
  await second.conclude(STEP, "4.17");

  const date = String.raw`\| \d{4}-\d\d-\d\d \d\d:\d\d `;
  const [partly, wholly] = await table();
  expect(partly).toMatch(
    new RegExp(
      `^${date}\\| a1 \\| 4.17 \\| boots \\| 50 of 100 boots \\| 1 \\| 1.5 min \\| 1.0 min \\|$`,
    ),
  );
  expect(wholly).toMatch(
    new RegExp(
      `^${date}\\| a1 \\| 4.17 \\| boots \\| 100 boots \\| 1 \\| 3.0 min \\| 2.0 min \\|$`,
    ),
  );
  // What is complete begins again.
  expect((await SoakProgress.open(folder, "a1")).of(STEP).done).toBe(0);
});

test("a round that was not written down is done again", async () => {
  const first = await SoakProgress.open(folder, "a1");
  await first.add(STEP, { done: 10, failures: [] }, COST);
  // Killed here, in the middle of the next one.
  expect((await SoakProgress.open(folder, "a1")).of(STEP).done).toBe(10);
});

test("figures of another tree are not added", async () => {
  const first = await SoakProgress.open(folder, "a1");
  await first.add(STEP, { done: 10, failures: [] }, COST);
  expect((await SoakProgress.open(folder, "a2")).of(STEP).done).toBe(0);
});

test("every step has a name of its own and a count", () => {
  expect(new Set(soakSteps.map(({ name }) => name)).size).toBe(soakSteps.length);
  expect(soakSteps.every(({ target }) => target > 0)).toBe(true);
});

test.each([
  [["--only", "boots,nonsense"], 'no soak is named "nonsense"; there are: boots, generations'],
  [["--hours", "soon"], 'HOURS is "soon": expected a number above 0'],
  [["--seconds", "0"], 'SECONDS is "0": expected a number above 0'],
])("%j is refused before anything runs", async (args, message) => {
  const { exitCode, stderr } = await execa(
    "node",
    ["scripts/run-ts.js", "test/soak/main.ts", ...args, "--root", folder],
    { reject: false },
  );
  expect(exitCode).toBe(123);
  expect(stderr).toContain(message);
});
