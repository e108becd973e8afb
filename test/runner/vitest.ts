import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { execa } from "execa";
import { z } from "zod";
import { childEnvironment, type Outcome, type Step } from "./step.js";

/** What is read of the report that vitest's JSON reporter writes. */
const Report = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
  testResults: z.array(
    z.object({
      status: z.string(),
      assertionResults: z.array(z.object({ status: z.string() })),
    }),
  ),
});

/**
 * Counts a report. A file that could not even be loaded, or whose hook failed,
 * has no failed test to show for it: it counts as one. So does a vitest that
 * says "failed" by its exit code alone (an unhandled rejection, no test files).
 */
export function countReport(json: unknown, exitCode: number | undefined): Outcome {
  const report = Report.parse(json);
  const brokenFiles = report.testResults.filter(
    (file) =>
      file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  ).length;
  let failed = report.numFailedTests + brokenFiles;
  if (exitCode !== 0 && failed === 0) failed = 1;
  return {
    passed: report.numPassedTests,
    failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** A step that runs one vitest project and streams vitest's own output. */
export function vitestStep(project: string, title: string): Step {
  return {
    name: project,
    title,
    async run(root) {
      const directory = await mkdtemp(path.join(tmpdir(), "xenlet-test-"));
      const report = path.join(directory, "report.json");
      try {
        const { exitCode } = await execa(
          "vitest",
          [
            "run",
            `--project=${project}`,
            "--reporter=default",
            "--reporter=json",
            `--outputFile.json=${report}`,
          ],
          {
            cwd: root,
            preferLocal: true,
            localDir: root,
            reject: false,
            stdio: ["ignore", "inherit", "inherit"],
            env: childEnvironment(),
          },
        );
        const json = await readFile(report, "utf8").catch(() => null);
        if (json === null) {
          const output = `vitest wrote no report (exit code ${String(exitCode)})`;
          return { passed: 0, failed: 1, skipped: 0, output };
        }
        return countReport(JSON.parse(json), exitCode);
      } finally {
        await rm(directory, { recursive: true, force: true });
      }
    },
  };
}
