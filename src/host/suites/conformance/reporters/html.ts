/** The conformance matrix as a page: src/host/report/matrix/html.ts, with what only a soft reset has below it. */
import { matrixPage } from "../../../report/matrix/html.js";
import type { Run } from "../../../report/matrix/model.js";
import type { MatrixReporter } from "../../../report/matrix/reporter.js";
import { differences, seriesFigures, stateTables, timelines } from "./figures.js";

export const htmlReporter: MatrixReporter = (report) =>
  matrixPage(report, {
    heading: "Soft reset conformance",
    generator: "xenlet conform",
    row: "check",
    again: `xenlet conform${report.runs.map(xenOption).join("")}`,
    figures: [timelines(report), stateTables(report), seriesFigures(report), differences(report)],
  });

/** A file is known by its name alone. */
function xenOption({ label, debianVersion }: Run): string {
  return ` --xen ${debianVersion === null ? "path/to/" : ""}${label}`;
}
