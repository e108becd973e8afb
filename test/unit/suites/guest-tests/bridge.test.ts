/**
 * Guests' tests in vitest's own report. Why it matters: this is how this repository's guests are tested. How
 * it would fail: a guest's failure that is green in vitest, or red without its name and line.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { beforeAll, expect, test } from "vitest";

const top = fileURLToPath(new URL("../../../..", import.meta.url));

interface Reported {
  title: string;
  ancestorTitles: string[];
  status: string;
  failureMessages: string[];
}

let exitCode: number | undefined;
let text: string;
let reported: Reported[];

beforeAll(async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "xenlet-bridge-"));
  const output = path.join(folder, "report.json");
  const config = path.join(top, "test/fixtures/guest-tests/vitest.config.js");
  const result = await execa(
    process.execPath,
    [
      path.join(top, "node_modules/vitest/vitest.mjs"),
      ...["run", "--config", config, "--root", top, "--reporter=json", "--reporter=default"],
      `--outputFile.json=${output}`,
    ],
    {
      cwd: top,
      reject: false,
      // This test's own vitest must not be visible to the one under test.
      extendEnv: false,
      env: { PATH: process.env["PATH"], HOME: process.env["HOME"], CI: "1", NO_COLOR: "1" },
    },
  );
  exitCode = result.exitCode;
  text = result.stdout + result.stderr;
  const document = JSON.parse(await readFile(output, "utf8")) as {
    testResults: { assertionResults: Reported[] }[];
  };
  reported = document.testResults[0]?.assertionResults ?? [];
  await rm(folder, { recursive: true });
}, 60_000);

/** The status of the one test whose name and groups' names contain this. */
function statusOf(...parts: string[]): string[] {
  return reported
    .filter(({ title, ancestorTitles }) => {
      const name = [...ancestorTitles, title].join(" › ");
      return parts.every((part) => name.includes(part));
    })
    .map(({ status }) => status);
}

test("vitest is red", () => {
  expect(exitCode).toBe(1);
});

test("an assertion is a test, by name and line, under its test and file", () => {
  expect(statusOf("good.ts › passes (dir/a.ts:3) › it holds")).toEqual(["passed"]);
  expect(statusOf("› fails (dir/a.ts:3) › expect(x).toBe(y) (dir/a.ts:7)")).toEqual(["failed"]);
});

test.each([
  ["crashes (dir/a.ts:3) › (crashed)", "failed"],
  ["hangs (dir/a.ts:3) › (timed-out)", "failed"],
  ["never (dir/a.ts:3)", "failed"],
  ["asserts nothing (dir/a.ts:3) › (failed)", "failed"],
  ["empty.ts › empty.ts", "failed"],
  [".ts (crash)", "failed"],
  ["not here (", "skipped"],
  ["later", "todo"],
])("%s: %s", (name, status) => {
  expect(statusOf(name)).toEqual([status]);
});

test("nothing else is there", () => {
  expect(reported.map(({ status }) => status).sort()).toEqual([
    ...Array<string>(10).fill("failed"),
    ...Array<string>(4).fill("passed"),
    "skipped",
    "todo",
  ]);
});

test("a failure shows the guest's source line, and how the values differ", () => {
  expect(text).toContain("guest test/guest/self.ts:1:1");
  expect(text).toContain("  1 | // The test API itself");
  expect(text).toMatch(/Expected: .*"1".*\nReceived: .*"2"/);
});
