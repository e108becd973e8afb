/** For programs: src/host/suites/conformance/document.ts says what is in it. */
import { jsonOf } from "../../../report/json.js";
import type { MatrixReporter } from "../../../report/matrix/reporter.js";
import { documentOf } from "../document.js";

export const jsonReporter: MatrixReporter = (report) => jsonOf(documentOf(report));
