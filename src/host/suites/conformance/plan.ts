/** The list of all checks, as the conformance program's sources declare them. */
import path from "node:path";
import { deserialize, serialize } from "node:v8";
import { packageRoot } from "../../base/package-root.js";
import { KINDS } from "../../cache/kinds.js";
import {
  digest,
  digestFolder,
  digestOfOwnCode,
  loadStage,
  storeStage,
} from "../../cache/stage-cache.js";
import {
  readDeclarations,
  type DeclaredCheck,
  type DeclaredScenario,
  type Declarations,
} from "./declarations.js";
import type { PlannedCheck } from "./planned-check.js";

const CONFORMANCE = path.join(packageRoot, "src", "guest", "conformance");
export const SCENARIOS = path.join(CONFORMANCE, "scenarios");

/** What a scenario takes, with its control: two domains made and destroyed. */
const SCENARIO_MS = 300;

/** Two calls are in Xen at once only where two physical CPUs are: this suite has a machine of its own (default-backend.ts). */
export const RACES = "races";
/** How often a pair's time may pass: one that did not meet the other begins again (RACE_RUNS of races/race.ts), and there is its control. */
export const RACE_RUNS = 5;

export interface ConformancePlan {
  checks: PlannedCheck[];
  /** By the check's name. */
  declared: ReadonlyMap<string, DeclaredCheck>;
  scenarios: readonly DeclaredScenario[];
}

/** Rejects with an Error that names the source and line of a declaration that cannot be read, or contradicts another. */
export async function readPlan(): Promise<ConformancePlan> {
  const { checks, scenarios } = await declarations();
  const declared = new Map(checks.map((check) => [check.name, check]));
  if (declared.size < checks.length) {
    const twice = checks.find((check) => declared.get(check.name) !== check);
    throw new Error(`${twice?.scenario.file ?? ""} declares ${twice?.name ?? ""} a second time`);
  }
  // One area after the other, in the order of their first checks.
  const areas = [...new Set(checks.map(({ area }) => area))];
  const listed = areas.flatMap((area) => checks.filter((check) => check.area === area));
  return { checks: listed.map((check) => planned(check, checks)), declared, scenarios };
}

const STORED = "declarations";

/** As the sources have them, or as equal sources were read before. */
async function declarations(): Promise<Declarations> {
  const key = digest(digestFolder(CONFORMANCE), digestOfOwnCode());
  const stored = (await loadStage(KINDS.checkLists, key))?.[STORED];
  // By structured clone: each check's scenario is one of the scenarios, and not a copy.
  if (stored !== undefined) return deserialize(stored) as Declarations;
  const read = await readDeclarations(SCENARIOS, path.join(CONFORMANCE, "declare.ts"));
  await storeStage(KINDS.checkLists, key, { [STORED]: serialize(read) });
  return read;
}

function planned(check: DeclaredCheck, all: readonly DeclaredCheck[]): PlannedCheck {
  const { name, title, area, scenario } = check;
  const group = all.filter((other) => other.scenario === scenario);
  const cost = Math.max(SCENARIO_MS, scenario.costMs);
  return {
    name,
    title,
    area,
    suite: scenario.suite,
    notUnderXl: check.notUnderXl || null,
    control: true,
    group: scenario.name,
    ...(scenario.suite === RACES ? { machine: RACES } : {}),
    costMs: cost / group.length,
  };
}
