/** For programs: everything that is known, with the sums. */
import { jsonOf } from "../../../report/json.js";
import { count, type RunResult } from "../model.js";
import type { Reporter } from "./reporter.js";

export function jsonReporter(): Reporter {
  return { file: () => "", end: (result) => jsonOf(runDocument(result)) };
}

export function runDocument(result: RunResult): unknown {
  return { summary: count(result.files), ...result };
}
