/** Where a conformance report goes: what `xenlet conform` and `xenlet report merge` have in common. */
import { Option } from "commander";
import type { Report } from "../report/matrix/model.js";
import {
  MATRIX_REPORTERS,
  type MatrixReporterName,
} from "../suites/conformance/reporters/index.js";
import type { Context } from "./context.js";
import * as option from "./options.js";
import {
  chooseOutputs,
  stdoutHasColors,
  writeOutput,
  type Output,
  type OutputOptions,
} from "./outputs.js";

const NAMES = Object.keys(MATRIX_REPORTERS) as MatrixReporterName[];
/** If the width is unknown. */
const COLUMNS = 80;

export const MATRIX_REPORTER = (): Option => option.reporterOf(NAMES);
export const MATRIX_OUTPUT_FILE = option.OUTPUT_FILE;

export function matrixOutputs(options: OutputOptions): Output<MatrixReporterName>[] {
  return chooseOutputs<MatrixReporterName>(options, NAMES);
}

export async function writeReport(
  report: Report,
  outputs: readonly Output<MatrixReporterName>[],
  context: Context,
): Promise<void> {
  for (const { name, file } of outputs) {
    const reporter = MATRIX_REPORTERS[name];
    if (file === null) {
      const columns = process.stdout.columns || COLUMNS;
      const text = reporter(report, { colors: stdoutHasColors(), columns });
      context.print(text.replace(/\n$/, ""));
    } else await writeOutput(file, reporter(report, { colors: false, columns: COLUMNS }));
  }
}
