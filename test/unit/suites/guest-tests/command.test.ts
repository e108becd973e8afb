/**
 * `xenlet test` as a command, on stand-ins for QEMU and Xen; the guests are built for real. Why it matters: a
 * CI job sees its exit code and its files, nothing else. How it would fail: a failed run that exits with 0, a
 * report that is not written, a QEMU that outlives Ctrl-C.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chooseTestOutputs, exitCodeOf } from "../../../../src/host/cli/commands/test.js";
import type { Problem } from "../../../../src/host/suites/guest-tests/model.js";
import { eventually, isAlive, startedPids } from "../../../fixtures/stand-ins.js";
import { bundleCommand, type Command } from "../../cli/command.js";
import { fileResult, testResult } from "./results.js";

let xenlet: Command;
beforeAll(async () => {
  xenlet = await bundleCommand();
  const file = async (name: string, text: string): Promise<void> => {
    await mkdir(path.dirname(path.join(xenlet.folder, name)), { recursive: true });
    await writeFile(path.join(xenlet.folder, name), text);
  };
  // What the stand-in plays for it is another guest: `play=` on the command line.
  const guest =
    'import { test, expect } from "xenlet/test";\ntest("one", () => {\n  expect(1).toBe(1);\n});\n';
  await file("good/guest.ts", guest);
  await file("bad/guest.ts", "let x: i32 = nothing;\n");
  await file("two/guest.ts", guest);
  await file("two/other.ts", guest);
  await file("two/_helper.ts", "this is not even a program");
}, 120_000);
afterAll(() => xenlet.dispose());

const run = (...args: string[]) => xenlet.run(["test", ...xenlet.xen, ...args]);

describe("the exit code is", () => {
  test("0 when all tests passed, which are told by name", async () => {
    const { exitCode, stdout, stderr } = await run("good", "--cmdline", "play=tests");
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(stdout).toContain("✓ good/guest.ts (");
    expect(stdout).toContain("  ✓ one (1 ms)\n");
    expect(stdout).toMatch(/\n1 file: 1 passed, 0 failed, 0 not run, 0 skipped, 0 todo; 1 assert/);
  }, 120_000);

  test("1 when a guest ended without a word about its tests", async () => {
    const { exitCode, stdout } = await run("good", "--cmdline", "play=ok");
    expect(exitCode).toBe(1);
    expect(stdout).toContain("✗ one (not run)");
  }, 60_000);

  test("1 when it is one of two, whose results are in order", async () => {
    const { exitCode, stdout } = await run("two", "--cmdline", "play=trap", "--json", "-j", "2");
    expect(exitCode).toBe(1);
    const { files, summary } = JSON.parse(stdout) as { files: { file: string }[]; summary: object };
    expect(files.map(({ file }) => file)).toEqual(["two/guest.ts", "two/other.ts"]);
    expect(summary).toMatchObject({ passed: 0, notRun: 2, failedFiles: 2 });
  }, 60_000);

  test("122 when QEMU cannot run", async () => {
    const { exitCode, stdout } = await run("good", "--cmdline", "play=refuse");
    expect(exitCode).toBe(122);
    expect(stdout).toContain("qemu: could not load kernel");
  }, 60_000);

  test("124 when a file does not build; the others are run all the same", async () => {
    const { exitCode, stdout } = await run("bad", "good", "--cmdline", "play=tests");
    expect(exitCode).toBe(124);
    expect(stdout).toContain("Cannot find name 'nothing'");
    expect(stdout).toContain("2 files, 1 failed: 1 passed");
  }, 60_000);

  test.each([
    [["nowhere"], "cannot read nowhere"],
    [[], "missing required argument"],
    [["good", "--reporter", "loud"], 'unknown reporter "loud"'],
    [["good", "--test-timeout", "soon"], "Expected seconds"],
    [["good", "--jobs", "0"], "whole number of 1..256"],
    [["good", "--", "-smp", "2"], "accepts no arguments after `--`"],
  ])("123 for %j", async (args, message) => {
    const { exitCode, stderr } = await run(...args);
    expect(exitCode).toBe(123);
    expect(stderr).toContain(message);
  });

  const problem = (kind: Problem["kind"]) =>
    fileResult({ problem: { kind, message: "", details: [] } });
  test.each([
    [[fileResult({ children: [testResult("x")] })], 0],
    [[fileResult({ children: [testResult("x", { status: "skipped" })] })], 0],
    [[fileResult({ children: [testResult("x", { status: "not-run" })] })], 1],
    [[problem("crash")], 1],
    [[problem("records")], 1],
    [[problem("crash"), problem("build")], 124],
    [[problem("build"), problem("input")], 123],
    [[problem("input"), problem("host"), problem("build")], 122],
  ])("what the worst result makes it (%#)", (files, code) => {
    expect(exitCodeOf({ xen: "Xen", files, durationMs: 0 })).toBe(code);
  });
});

test("reports go to their files, people's to stdout", async () => {
  const { exitCode, stdout } = await run(
    ...["good", "--cmdline", "play=tests", "--reporter", "junit", "--reporter", "tap"],
    ...[
      "--output-file",
      "junit=new/out.xml",
      "--output-file",
      "tap=out.tap",
      "--reporter",
      "terminal",
    ],
  );
  expect(exitCode).toBe(0);
  expect(stdout).toContain("1 passed");
  const read = (name: string) => readFile(path.join(xenlet.folder, name), "utf8");
  expect(await read("new/out.xml")).toContain('<testcase name="one" classname="good/guest.ts"');
  expect(await read("out.tap")).toContain("ok 1 - one");
}, 60_000);

test("a report that cannot be written is trouble, before anything is run", async () => {
  const { exitCode, stdout, stderr } = await run("good", "--output-file", "tap=good/guest.ts/x");
  expect({ exitCode, stdout }).toEqual({ exitCode: 122, stdout: "" });
  expect(stderr).toContain("cannot write the results to good/guest.ts/x");
});

describe("reporters and files", () => {
  const chosen = (options: Parameters<typeof chooseTestOutputs>[0]) =>
    chooseTestOutputs(options).map(({ name, file }) => `${name} > ${file ?? "stdout"}`);

  test.each([
    [{}, ["terminal > stdout"]],
    [{ json: true as const }, ["json > stdout"]],
    [{ reporter: ["tap"] }, ["tap > stdout"]],
    [{ reporter: ["tap"], outputFile: ["x"] }, ["tap > x", "terminal > stdout"]],
    [{ reporter: ["terminal", "tap"], outputFile: ["x"] }, ["terminal > stdout", "tap > x"]],
    [{ outputFile: ["junit=a=b.xml"] }, ["junit > a=b.xml", "terminal > stdout"]],
    [
      { json: true as const, reporter: ["tap"], outputFile: ["tap=x"] },
      ["tap > x", "json > stdout"],
    ],
  ])("%j", (options, outputs) => {
    expect(chosen(options)).toEqual(outputs);
  });

  test.each([
    [{ reporter: ["tap", "junit"] }, "would both write to stdout"],
    [{ reporter: ["terminal"], json: true as const }, "would both write to stdout"],
    [{ reporter: ["tap", "junit"], outputFile: ["x"] }, "does not name its reporter"],
    [{ outputFile: ["x"] }, "does not name its reporter"],
    [{ outputFile: ["tap=x", "tap=y"] }, "two output files"],
    [{ outputFile: ["loud=x"] }, 'unknown reporter "loud"'],
  ])("%j is refused", (options, message) => {
    expect(() => chosen(options)).toThrow(message);
  });
});

test.each(["SIGINT", "SIGTERM"] as const)(
  "after %s no QEMU is left, of several",
  async (signal) => {
    const pids = await mkdtemp(path.join(xenlet.folder, "pids-"));
    const args = ["test", ...xenlet.xen, "two", "--cmdline", "play=hang", "-j", "2"];
    const child = spawn(process.execPath, [xenlet.entry, ...args], {
      cwd: xenlet.folder,
      env: { ...xenlet.env, FAKE_QEMU_PIDS: pids },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let stderr = "";
    child.stderr.on("data", (bytes: Buffer) => (stderr += bytes.toString()));
    expect(await eventually(async () => (await startedPids(pids)).length === 2, 60_000)).toBe(true);
    child.kill(signal);
    const [, died] = (await once(child, "close")) as [number | null, string | null];
    expect(died).toBe(signal);
    expect(stderr).toContain(`interrupted by ${signal}`);
    for (const pid of await startedPids(pids))
      expect(await eventually(() => !isAlive(pid))).toBe(true);
  },
  90_000,
);
