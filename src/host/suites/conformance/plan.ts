/** The list of all checks: src/guest/conformance/plan.json, beside the scenarios that make them. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { packageRoot } from "../../base/package-root.js";
import type { PlannedCheck } from "./model.js";

const PLAN = z.array(
  z.strictObject({
    name: z.string().regex(/^[a-z0-9-]+\/[a-z0-9-]+$/),
    title: z.string().min(1),
    area: z.string().min(1),
    /** The scenario that makes it; checks of one scenario are made together. */
    scenario: z.string().regex(/^[a-z0-9-]+$/),
    control: z.boolean(),
    /** Of the whole scenario, in ms, where it is far from what others take. */
    costMs: z.number().positive().optional(),
  }),
);

/** What a scenario takes, with its control: two domains made and destroyed. */
const SCENARIO_MS = 300;

export interface ConformancePlan {
  checks: PlannedCheck[];
  /** By the check's name. */
  scenarios: ReadonlyMap<string, string>;
}

export async function readPlan(): Promise<ConformancePlan> {
  const file = path.join(packageRoot, "src", "conformance", "plan.json");
  const listed = PLAN.parse(JSON.parse(await readFile(file, "utf8")));
  const checks = listed.map(({ name, title, area, scenario, control }) => {
    const group = listed.filter((other) => other.scenario === scenario);
    const cost = Math.max(SCENARIO_MS, ...group.map(({ costMs }) => costMs ?? 0));
    return { name, title, area, control, group: scenario, costMs: cost / group.length };
  });
  return { checks, scenarios: new Map(listed.map(({ name, scenario }) => [name, scenario])) };
}
