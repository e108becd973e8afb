import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { execa } from "execa";
import { z } from "zod";
import { COSTS_FOLDER, describeCost, type FileCost } from "./cost.js";
import { childEnvironment, type Outcome, type Step } from "./step.js";

/** What is read of the report that vitest's JSON reporter writes. */
const Report = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
  testResults: z.array(
    z.object({
      name: z.string().optional(),
      status: z.string(),
      /** ms since 1970. */
      startTime: z.number().optional(),
      endTime: z.number().optional(),
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

/** A file that took longer, by either clock, is named with what it took. */
const SLOW_S = 5;

/** The files that took most, CPU time first: where a run that has become too long can be made shorter. */
export function slowFiles(json: unknown, costs: readonly FileCost[], root: string): string[] {
  const cpu = new Map(costs.map(({ file, cpuS }) => [file, cpuS]));
  return Report.parse(json)
    .testResults.map(({ name = "", startTime = 0, endTime = 0 }) => ({
      file: path.relative(root, name),
      wallS: (endTime - startTime) / 1000,
      cpuS: cpu.get(name) ?? 0,
    }))
    .filter(({ wallS, cpuS }) => Math.max(wallS, cpuS) >= SLOW_S)
    .toSorted((a, b) => b.cpuS - a.cpuS || b.wallS - a.wallS)
    .map(({ file, ...cost }) => `${describeCost(cost).padStart(22)}  ${file}`);
}

/** What test/runner/file-cost.ts left there. */
async function readCosts(folder: string): Promise<FileCost[]> {
  const names = await readdir(folder);
  const texts = names.map((name) => readFile(path.join(folder, name), "utf8"));
  return (await Promise.all(texts)).map((text) => JSON.parse(text) as FileCost);
}

/** A step that runs one vitest project and streams vitest's own output. */
export function vitestStep(project: string, title: string, env: Record<string, string> = {}): Step {
  return {
    name: project,
    title,
    async run(root) {
      const directory = await mkdtemp(path.join(tmpdir(), "xenlet-test-"));
      const report = path.join(directory, "report.json");
      const costs = path.join(directory, "costs");
      try {
        await mkdir(costs);
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
            env: { ...childEnvironment(), ...env, [COSTS_FOLDER]: costs },
          },
        );
        const json = await readFile(report, "utf8").catch(() => null);
        if (json === null) {
          const output = `vitest wrote no report (exit code ${String(exitCode)})`;
          return { passed: 0, failed: 1, skipped: 0, output };
        }
        const parsed: unknown = JSON.parse(json);
        for (const line of slowFiles(parsed, await readCosts(costs), root)) console.log(line);
        return countReport(parsed, exitCode);
      } finally {
        await rm(directory, { recursive: true, force: true });
      }
    },
  };
}
