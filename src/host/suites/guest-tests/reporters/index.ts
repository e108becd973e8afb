/** The reporters by name. */
import { annotationsOf } from "../../../report/github.js";
import { junitOf } from "../../../report/junit.js";
import { tapOf } from "../../../report/tap.js";
import { htmlReporter } from "./html.js";
import { jsonReporter } from "./json.js";
import { reportOf, suiteOf } from "./report.js";
import type { Reporter, ReporterOptions } from "./reporter.js";
import { terminalReporter } from "./terminal.js";

export const REPORTERS = {
  terminal: terminalReporter,
  tap: (): Reporter => ({ file: () => "", end: (result) => tapOf(reportOf(result)) }),
  junit: (): Reporter => ({ file: () => "", end: (result) => junitOf(reportOf(result)) }),
  json: jsonReporter,
  html: htmlReporter,
  github: (): Reporter => ({ file: (result) => annotationsOf(suiteOf(result)), end: () => "" }),
} satisfies Record<string, (options: ReporterOptions) => Reporter>;

export type ReporterName = keyof typeof REPORTERS;

export type { Reporter, ReporterOptions } from "./reporter.js";
