/** The matrix's reporters by name. */
import { junitOf } from "../../../report/junit.js";
import { tapOf } from "../../../report/tap.js";
import { htmlReporter } from "./html.js";
import { jsonReporter } from "./json.js";
import { reportOf } from "./report.js";
import type { MatrixReporter } from "../../../report/matrix/reporter.js";
import { terminalReporter } from "../../../report/matrix/terminal.js";

export const MATRIX_REPORTERS = {
  terminal: terminalReporter,
  tap: (report) => tapOf(reportOf(report)),
  junit: (report) => junitOf(reportOf(report)),
  json: jsonReporter,
  html: htmlReporter,
} satisfies Record<string, MatrixReporter>;

export type MatrixReporterName = keyof typeof MATRIX_REPORTERS;

export type { MatrixReporter, MatrixReporterOptions } from "../../../report/matrix/reporter.js";
