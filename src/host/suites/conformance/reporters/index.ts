/** The matrix's reporters by name. */
import { htmlReporter } from "./html.js";
import { jsonReporter } from "./json.js";
import { junitReporter } from "./junit.js";
import type { MatrixReporter } from "./reporter.js";
import { tapReporter } from "./tap.js";
import { terminalReporter } from "./terminal.js";

export const MATRIX_REPORTERS = {
  terminal: terminalReporter,
  tap: tapReporter,
  junit: junitReporter,
  json: jsonReporter,
  html: htmlReporter,
} satisfies Record<string, MatrixReporter>;

export type MatrixReporterName = keyof typeof MATRIX_REPORTERS;

export type { MatrixReporter, MatrixReporterOptions } from "./reporter.js";
