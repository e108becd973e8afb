/** For programs: everything that is known, with the sums. */
import { count, type RunResult } from "../model.js";
import type { Reporter } from "./reporter.js";

export function jsonReporter(): Reporter {
  return { file: () => "", end: (result) => `${JSON.stringify(runDocument(result), null, 2)}\n` };
}

export function runDocument(result: RunResult): unknown {
  return { summary: count(result.files), ...result };
}
