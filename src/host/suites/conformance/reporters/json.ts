/** For programs: src/host/suites/conformance/document.ts says what is in it. */
import { documentOf } from "../document.js";
import type { MatrixReporter } from "./reporter.js";

export const jsonReporter: MatrixReporter = (report) =>
  `${JSON.stringify(documentOf(report), null, 2)}\n`;
