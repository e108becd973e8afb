/** The reporters by name. */
import { jsonReporter } from "./json.js";
import { junitReporter } from "./junit.js";
import type { Reporter, ReporterOptions } from "./reporter.js";
import { tapReporter } from "./tap.js";
import { terminalReporter } from "./terminal.js";

export const REPORTERS = {
  terminal: terminalReporter,
  tap: tapReporter,
  junit: junitReporter,
  json: jsonReporter,
} satisfies Record<string, (options: ReporterOptions) => Reporter>;

export type ReporterName = keyof typeof REPORTERS;

export type { Reporter, ReporterOptions } from "./reporter.js";
