/** The reporters by name. */
import { githubReporter } from "./github.js";
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
  github: githubReporter,
} satisfies Record<string, (options: ReporterOptions) => Reporter>;

export type ReporterName = keyof typeof REPORTERS;

export type { Reporter, ReporterOptions } from "./reporter.js";
