/** `xenlet report merge`: the JSON reports of shards, joined into one in any reporter's form. */
import path from "node:path";
import type { Command } from "commander";
import { exitCodesText } from "../../base/exit-codes.js";
import { readReport } from "../../suites/conformance/document.js";
import { exitCodeOfReport } from "../../suites/conformance/exit-code.js";
import { mergeReports } from "../../suites/conformance/merge.js";
import { refusePassedOn, type CommonOptions, type Context } from "../context.js";
import {
  MATRIX_OUTPUT_FILE,
  MATRIX_REPORTER,
  matrixOutputs,
  writeReport,
} from "../matrix-outputs.js";
import * as option from "../options.js";
import { checkOutputs } from "../outputs.js";

interface MergeOptions extends CommonOptions {
  reporter?: string[];
  outputFile?: string[];
}

export function addReport(program: Command, context: Context): void {
  program
    .command("report")
    .summary("merge conformance reports")
    .description("Processes the JSON reports of `xenlet conform`.")
    .command("merge")
    .summary("merge the reports of shards into one")
    .description(
      "Merges the JSON reports of `xenlet conform --shard I/N`, of one or more versions of Xen, into one report, " +
        "and exits as `xenlet conform` would have. A missing shard, a check with two results and two " +
        "builds of Xen under one name are errors.",
    )
    .argument("<files...>", "reports: xenlet conform --reporter json --output-file json=FILE")
    .addOption(MATRIX_REPORTER())
    .addOption(MATRIX_OUTPUT_FILE())
    .addOption(option.JSON_OUTPUT())
    .addOption(option.QUIET())
    .addHelpText(
      "after",
      exitCodesText(
        "  0    every check passed\n  1    a check failed, or a control stayed green\n" +
          "  122  trouble on this machine, in this run or in a shard's\n" +
          "  123  bad usage, or reports that do not fit together",
      ),
    )
    .action((files: string[], options: MergeOptions) => merge(files, options, context));
}

async function merge(files: string[], options: MergeOptions, context: Context): Promise<void> {
  refusePassedOn(context, "report merge");
  const outputs = matrixOutputs(options);
  // Named twice (a shell's pattern, and the name itself), a file still counts once.
  const distinct = files.filter(
    (file, at) => files.findIndex((one) => path.resolve(one) === path.resolve(file)) === at,
  );
  const reports = [];
  for (const file of distinct) reports.push({ file, report: await readReport(file) });
  const report = mergeReports(reports);
  // Only now: what is written may be one of the files that were read.
  await checkOutputs(outputs);
  await writeReport(report, outputs, context);
  context.exitWith(exitCodeOfReport(report));
}
