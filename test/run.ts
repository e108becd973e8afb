/**
 * The test command: every check and every test, one step after another, and a
 * last line that sums them up: `N passed, N failed, N skipped`.
 *
 *   --only NAME[,NAME…]   run only these steps; the long ones are run by their names only
 *   --root DIRECTORY      the tree to test (default: this one)
 *
 * Exits with 0 only when something ran and nothing failed.
 */
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

async function runStep(step: Step, root: string): Promise<Outcome> {
  const cost = startCost();
  const outcome = await step.run(root).catch((error: unknown) => ({
    passed: 0,
    failed: 1,
    skipped: 0,
    output: describeError(error),
  }));
  if (outcome.output !== undefined) console.log(outcome.output);
  const verdict = outcome.failed > 0 ? "FAILED" : outcome.passed === 0 ? "skipped" : "ok";
  console.log(`${step.name}: ${verdict} (${step.title}, ${describeCost(cost())})`);
  return outcome;
}

const { values } = parseArgs({
  options: { only: { type: "string" }, root: { type: "string", default: "." } },
});

const sum = { passed: 0, failed: 0, skipped: 0 };
const cost = startCost();
for (const step of select(values.only)) {
  const outcome = await runStep(step, path.resolve(values.root));
  sum.passed += outcome.passed;
  sum.failed += outcome.failed;
  sum.skipped += outcome.skipped;
}

console.log(`all of it: ${describeCost(cost())}`);
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exitCode = sum.failed > 0 || sum.passed === 0 ? 1 : 0;
