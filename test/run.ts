/**
 * The test command: the checks and the tests, one step after another, and a
 * last line that sums them up: `N passed, N failed, N skipped`.
 *
 *   --only NAME[,NAME…]   run only these steps; the long ones are run by their names only
 *   --root DIRECTORY      the tree to test (default: this one)
 *
 * Exits with 0 only when something ran and nothing failed.
 */
import { availableParallelism } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { UserError } from "../src/host/base/errors.js";
import { describeCost, startCost } from "./runner/cost.js";
import type { Outcome, Step } from "./runner/step.js";
import { longSteps, steps } from "./runner/steps.js";

function select(only: string | undefined): Step[] {
  if (only === undefined) return steps;
  const all = [...steps, ...longSteps];
  const names = only.split(",").filter((name) => name !== "");
  const unknown = names.filter((name) => !all.some((step) => step.name === name));
  if (unknown.length > 0 || names.length === 0) {
    const known = [...new Set(all.map((step) => step.name))].join(", ");
    console.error(`no step is named "${unknown.join('", "')}"; the steps are: ${known}`);
    process.exit(123);
  }
  return all.filter((step) => names.includes(step.name));
}

/** A UserError's message says it all; anything else is a bug, and wants its stack. */
function describeError(error: unknown): string {
  if (error instanceof UserError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** `alone`: what is used of the CPUs meanwhile is the step's. */
async function runStep(step: Step, root: string, alone: boolean): Promise<Outcome> {
  const cost = startCost();
  const outcome = await step.run(root).catch((error: unknown) => ({
    passed: 0,
    failed: 1,
    skipped: 0,
    output: describeError(error),
  }));
  if (outcome.output !== undefined) console.log(outcome.output);
  const verdict = outcome.failed > 0 ? "FAILED" : outcome.passed === 0 ? "skipped" : "ok";
  const took = cost();
  const figures = alone ? describeCost(took) : `${took.wallS.toFixed(1)} s`;
  console.log(`${step.name}: ${verdict} (${step.title}, ${figures})`);
  return outcome;
}

/** Static steps, as many at a time as there are CPUs. */
async function runSideBySide(queue: Step[], root: string): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const cost = startCost();
  const alone = queue.length === 1;
  const names = new Set(queue.map(({ name }) => name));
  const worker = async (): Promise<void> => {
    for (let step = queue.shift(); step !== undefined; step = queue.shift())
      outcomes.push(await runStep(step, root, alone));
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  if (!alone) console.log(`${[...names].join(", ")}: ${describeCost(cost())}`);
  return outcomes;
}

/** Static steps first, whatever their place in the list: they are cheap. */
async function runAll(selected: Step[], root: string): Promise<Outcome[]> {
  const still = selected.filter((step) => step.static === true);
  const outcomes = still.length > 0 ? await runSideBySide(still, root) : [];
  for (const step of selected.filter((one) => one.static !== true))
    outcomes.push(await runStep(step, root, true));
  return outcomes;
}

const { values } = parseArgs({
  options: { only: { type: "string" }, root: { type: "string", default: "." } },
});

const sum = { passed: 0, failed: 0, skipped: 0 };
const cost = startCost();
for (const outcome of await runAll(select(values.only), path.resolve(values.root))) {
  sum.passed += outcome.passed;
  sum.failed += outcome.failed;
  sum.skipped += outcome.skipped;
}

console.log(`all of it: ${describeCost(cost())}`);
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exitCode = sum.failed > 0 || sum.passed === 0 ? 1 : 0;
