/**
 * The test command itself. What it shows: a failing test, a test file that does
 * not load, a lint error and a run in which nothing ran all end in a last line
 * that says so and an exit code that is not 0. Why it matters: every other test
 * is only as good as the command that reports it. How it would fail: a step's
 * exit code swallowed, or a report counted by its passed tests alone.
 */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { describe, expect, test } from "vitest";
import { findForeignNames } from "../../runner/alone.js";
import { startCost } from "../../runner/cost.js";
import { countReport, slowFiles } from "../../runner/vitest.js";

const top = fileURLToPath(new URL("../../..", import.meta.url));

async function run(fixture: string, only: string) {
  const root = path.join(top, "test/fixtures/runner", fixture);
  const args = ["scripts/run-ts.js", "test/run.ts", "--root", root, "--only", only];
  const { exitCode, stdout, stderr } = await execa("node", args, {
    cwd: top,
    reject: false,
    // This test's own vitest must not be visible to the vitest under test.
    extendEnv: false,
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"] },
  });
  return { exitCode, stdout, stderr, lastLine: stdout.split("\n").at(-1) };
}

describe("the test command", () => {
  test("green: counts a static step and a test, exits with 0", async () => {
    const { exitCode, lastLine } = await run("green", "lint,unit");
    expect(lastLine).toBe("2 passed, 0 failed, 0 skipped");
    expect(exitCode).toBe(0);
  });

  test("a failing test makes it red, and the failure can be read", async () => {
    const { exitCode, lastLine, stdout, stderr } = await run("red-test", "unit");
    expect(lastLine).toBe("1 passed, 1 failed, 1 skipped");
    expect(exitCode).toBe(1);
    expect(stdout + stderr).toContain("adds wrongly");
  });

  test("a test file that does not load makes it red, though every test passed", async () => {
    const { exitCode, lastLine } = await run("red-load", "unit");
    expect(lastLine).toBe("1 passed, 1 failed, 0 skipped");
    expect(exitCode).toBe(1);
  });

  test("a lint error makes it red, and the error can be read", async () => {
    const { exitCode, lastLine, stdout } = await run("red-lint", "lint");
    expect(lastLine).toBe("0 passed, 1 failed, 0 skipped");
    expect(exitCode).toBe(1);
    expect(stdout).toContain("no-debugger");
  });

  test("a run in which everything was skipped is no success", async () => {
    const { exitCode, lastLine } = await run("skipped", "unit");
    expect(lastLine).toBe("0 passed, 0 failed, 1 skipped");
    expect(exitCode).toBe(1);
  });

  test("a project without test files is no success", async () => {
    const { exitCode, lastLine } = await run("red-lint", "unit");
    expect(lastLine).toBe("0 passed, 1 failed, 0 skipped");
    expect(exitCode).toBe(1);
  });

  test("prints no colour codes when nobody looks at a terminal", async () => {
    const { stdout, stderr } = await run("red-test", "unit");
    expect(stdout + stderr).not.toContain("\u001b[");
  });

  test("an unknown step is refused with the names of those that exist", async () => {
    const { exitCode, stderr } = await run("green", "unit,nonsense");
    expect(stderr).toContain('no step is named "nonsense"');
    expect(stderr).toContain("unit");
    expect(exitCode).toBe(123);
  });
});

describe("counting vitest's report", () => {
  const report = {
    numPassedTests: 3,
    numFailedTests: 0,
    numPendingTests: 1,
    numTodoTests: 1,
    testResults: [{ status: "passed", assertionResults: [{ status: "passed" }] }],
  };

  test("todo counts as skipped", () => {
    expect(countReport(report, 0)).toEqual({ passed: 3, failed: 0, skipped: 2 });
  });

  test("an exit code alone is a failure", () => {
    expect(countReport(report, 1)).toEqual({ passed: 3, failed: 1, skipped: 2 });
    expect(countReport(report, undefined)).toEqual({ passed: 3, failed: 1, skipped: 2 });
  });

  test("a report of another shape is refused", () => {
    expect(() => countReport({ numPassedTests: 3 }, 0)).toThrow();
  });
});

describe("what a run took", () => {
  test("files that took 5 s and more by either clock are named, the most CPU time first", () => {
    const file = (name: string, seconds: number): object => ({
      name: `/tree/${name}`,
      status: "passed",
      startTime: 1_000_000,
      endTime: 1_000_000 + seconds * 1000,
      assertionResults: [],
    });
    const counts = {
      numPassedTests: 0,
      numFailedTests: 0,
      numPendingTests: 0,
      numTodoTests: 0,
    };
    const testResults = [file("short.ts", 4), file("waits.ts", 100), file("works.ts", 4.5)];
    const costs = [
      { file: "/tree/short.ts", cpuS: 4.9 },
      { file: "/tree/waits.ts", cpuS: 1 },
      { file: "/tree/works.ts", cpuS: 5.5 },
    ];
    expect(slowFiles({ ...counts, testResults }, costs, "/tree")).toEqual([
      "      4.5 s, CPU 5.5 s  works.ts",
      "    100.0 s, CPU 1.0 s  waits.ts",
    ]);
  });

  test("a step's CPU time is that of the processes that it started, too", async () => {
    const cost = startCost();
    const spin =
      "for (const end = process.cpuUsage().user + 500_000; process.cpuUsage().user < end; );";
    await execa("node", ["-e", spin]);
    expect(cost().cpuS).toBeGreaterThanOrEqual(0.45);
  });
});

describe("the repository speaks of itself alone", () => {
  test("a mirror, a registry and a machine's path are found, with file and line", async () => {
    const { mkdtemp, rm, writeFile } = await import("node:fs/promises");
    const { tmpdir } = await import("node:os");
    const directory = await mkdtemp(path.join(tmpdir(), "xenlet-alone-"));
    try {
      const mirror = ["deb", "debian", "org"].join(".");
      const registry = ["registry", "npmjs", "org"].join(".");
      const home = ["", "work", "main"].join("/");
      await writeFile(
        path.join(directory, "a.txt"),
        `fine: framework/works\nfrom ${mirror}\nfrom https://${registry}/x\nin ${home}\n`,
      );
      const findings = await findForeignNames(directory);
      expect(findings.map((line) => line.split(":").slice(0, 2).join(":"))).toEqual([
        "a.txt:2",
        "a.txt:3",
        "a.txt:4",
      ]);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
