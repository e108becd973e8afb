import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { execa } from "execa";
import { z } from "zod";
import { readPlan } from "../../src/host/suites/conformance/plan.js";
import { childEnvironment, failed, type Outcome, type Step } from "./step.js";

/** What is read of `xenlet conform --reporter json`. */
const Report = z.object({
  checks: z.array(z.object({ status: z.enum(["passed", "failed", "skipped"]) })),
});

/** Counts a report; a command that says "failed" by its exit code alone (a drift, a damaged record) counts as one. */
export function countChecks(json: unknown, exitCode: number | undefined): Outcome {
  const { checks } = Report.parse(json);
  const having = (status: string): number =>
    checks.filter((check) => check.status === status).length;
  const outcome = {
    passed: having("passed"),
    failed: having("failed"),
    skipped: having("skipped"),
  };
  if (outcome.failed === 0 && (exitCode !== 0 || checks.length === 0)) outcome.failed = 1;
  return outcome;
}

/** By its name only: what it finds is a matter of how often two vCPUs meet, so that it has hours, and not a place in each run. */
const SOAKED = "races";

async function suites(): Promise<string> {
  const { checks } = await readPlan();
  return [...new Set(checks.map(({ suite }) => suite))].filter((one) => one !== SOAKED).join(",");
}

/** The whole matrix: every check but those that are soaked, with its control, on every version of Xen that is available. */
export function conformStep(name: string, title: string): Step {
  return {
    name,
    title,
    async run(root) {
      const directory = await mkdtemp(path.join(tmpdir(), "xenlet-conform-"));
      const file = path.join(directory, "report.json");
      try {
        const { exitCode } = await execa(
          "node",
          [
            ...["scripts/run-ts.js", "src/host/cli/main.ts", "conform", "--suite", await suites()],
            // One of the three versions is entered through Xen's hypercall page, so that both ways stay proved.
            ...["--hypercall", "alternate"],
            ...["--reporter", "terminal", "--reporter", "json", "--output-file", `json=${file}`],
          ],
          {
            cwd: root,
            reject: false,
            stdio: ["ignore", "inherit", "inherit"],
            env: childEnvironment(),
          },
        );
        const json = await readFile(file, "utf8").catch(() => null);
        if (json === null) return failed(`no report was written (exit code ${String(exitCode)})`);
        return countChecks(JSON.parse(json), exitCode);
      } finally {
        await rm(directory, { recursive: true, force: true });
      }
    },
  };
}
