/**
 * `xenlet conform` and `xenlet report merge` as commands, on a stand-in for the boots. What it shows: options,
 * outputs, exit codes, progress. Why it matters: CI sees an exit code and files, nothing else. How it would fail:
 * a failed check that exits with 0, a shard that forgets what it was a part of.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { addConform } from "../../../../src/host/cli/commands/conform.js";
import { toJson, type Context } from "../../../../src/host/cli/context.js";
import { addReport } from "../../../../src/host/cli/commands/report-merge.js";
import { EXPECTATIONS } from "../../../../src/host/suites/conformance/expectations.js";
import type { PlannedCheck } from "../../../../src/host/suites/conformance/planned-check.js";
import { fakeXenFile } from "../../../fixtures/stand-ins.js";
import { planned } from "./samples.js";
import { PASS_ALL, standIn, type Play } from "./stand-in.js";

const createBackend = vi.hoisted(() => vi.fn());
vi.mock("../../../../src/host/suites/conformance/default-backend.js", () => ({ createBackend }));

let folder: string;
let xen: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "xenlet-conform-"));
  xen = await fakeXenFile(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The table's own checks are part of every plan, or it would not fit. */
const TABLES: PlannedCheck[] = [
  ...new Set([
    ...EXPECTATIONS.differences.flatMap(({ reportedBy }) => reportedBy.map(({ check }) => check)),
    ...EXPECTATIONS.exemptions.map(({ check }) => check),
    ...EXPECTATIONS.faults.map(({ check }) => check),
  ]),
].map((name) => planned(name, { control: true }));
const PLAN = [planned("x/one"), planned("x/two", { control: true }), planned("x/three"), ...TABLES];

async function command(
  args: string[],
  play: Play = PASS_ALL,
): Promise<{ exitCode: number; stdout: string; stderr: string; boots: string[][] }> {
  const out: string[] = [];
  const err: string[] = [];
  let exitCode = 0;
  const context: Context = {
    signal: new AbortController().signal,
    write: () => undefined,
    print: (line) => void out.push(line),
    printJson: (value) => void out.push(toJson(value)),
    say: (line) => void err.push(line),
    tell: (error) => void err.push(String(error)),
    exitWith: (code) => {
      exitCode = code;
    },
  };
  const backend = standIn(PLAN, play);
  const program = new Command().exitOverride();
  createBackend.mockResolvedValue(backend);
  addConform(program, context);
  addReport(program, context);
  await program.parseAsync(args, { from: "user" });
  return { exitCode, stdout: out.join("\n"), stderr: err.join("\n"), boots: backend.boots };
}

const X = ["--filter", "x/"];
const conform = (args: string[], play?: Play) =>
  command(["conform", "--xen", xen, "--quiet", ...args], play);
const inFolder = (name: string): string => path.join(folder, name);

describe("conform", () => {
  test("all passed: the matrix, and 0", async () => {
    const { exitCode, stdout, boots } = await conform(X);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^ {2}x\/one +✓$/m);
    expect(stdout).toContain("3 checks: 3 passed, 0 failed, 0 skipped; 1 control red");
    expect(boots).toEqual([["x/one", "x/two", "x/three"]]);
  });

  test("one failed: 1, with why and where its log is", async () => {
    const { exitCode, stdout } = await conform(X, ({ options, say, pass }) => {
      for (const name of options.checks)
        if (name === "x/three")
          say("check", "name=x/three phase=check status=failed text=bad luck");
        else pass(name);
      return {};
    });
    expect(exitCode).toBe(1);
    expect(stdout).toContain("✗ x/three on xen\n");
    expect(stdout).toContain("    failed 2 of 2: bad luck\n    log: /logs/1.log");
  });

  test("a control that stays green: 1", async () => {
    const { exitCode, stdout } = await conform(["--filter", "x/two"], ({ say }) => {
      say("check", "name=x/two phase=check status=passed text=");
      say("check", "name=x/two phase=control status=passed text=");
      return {};
    });
    expect(exitCode).toBe(1);
    expect(stdout).toContain("its control stayed green");
  });

  test("a Xen that is none: an error at once", async () => {
    await expect(command(["conform", "--xen", "/etc/passwd"])).rejects.toThrow("not a Xen");
    await expect(command(["conform", "--xen", "9.9"])).rejects.toThrow("unknown Xen version 9.9");
  });

  test("--json: one document, and nothing else", async () => {
    const { stdout } = await conform([...X, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      xen: ["xen"],
      checks: [
        { name: "x/one", xen: "xen", status: "passed", detail: "fine" },
        { name: "x/two" },
        { name: "x/three" },
      ],
      summary: { total: 3, passed: 3, shard: null },
    });
  });

  test("reports go to files, people's to stdout", async () => {
    const files = ["tap", "junit", "json", "html"].map(
      (name) => `${name}=${inFolder(`out.${name}`)}`,
    );
    const { stdout } = await conform([...X, ...files.flatMap((one) => ["--output-file", one])]);
    expect(stdout).toContain("3 checks: 3 passed");
    expect(await readFile(inFolder("out.tap"), "utf8")).toMatch(/^TAP version 14\n/);
    expect(await readFile(inFolder("out.junit"), "utf8")).toMatch(/^<\?xml /);
    expect(await readFile(inFolder("out.json"), "utf8")).toMatch(/^\{\n {2}"xen": /);
    expect(await readFile(inFolder("out.html"), "utf8")).toMatch(/^<!doctype html>/);
  });

  test("a report that cannot be written is told before anything runs", async () => {
    const target = path.join(xen, "x.json");
    await expect(
      conform([...X, "--output-file", `json=${target}`], () => expect.unreachable()),
    ).rejects.toThrow(`cannot write the results to ${target}`);
  });

  test("--list: names and claims; --json: all of it; nothing boots, no Xen is needed", async () => {
    const args = ["conform", "--xen", "/nowhere", "--list", ...X];
    const { stdout, boots } = await command(args);
    expect(stdout.split("\n")).toEqual([
      "x/one\tthe claim of x/one",
      "x/two\tthe claim of x/two",
      "x/three\tthe claim of x/three",
    ]);
    expect(boots).toEqual([]);
    expect(JSON.parse((await command([...args, "--json"])).stdout)).toContainEqual({
      name: "x/two",
      title: "the claim of x/two",
      area: "X",
      suite: "reset",
      control: true,
    });
    await expect(command([...args, "--reporter", "tap"])).rejects.toThrow("no reporter");
  });

  test("a filter that fits nothing is an error", async () => {
    await expect(conform(["--filter", "nothing"])).rejects.toThrow('matches "nothing"');
  });

  test("without a filter, what the table says of this version is skipped or compared", async () => {
    const { exitCode, stdout } = await conform(["--json"]);
    const { checks } = JSON.parse(stdout) as { checks: { name: string; status: string }[] };
    // The stand-in reports no observation: what is known to differ must be reported.
    const [known] = EXPECTATIONS.differences;
    expect(exitCode).toBe(1);
    expect(checks.find(({ name }) => name === known?.reportedBy[0]?.check)).toMatchObject({
      status: "failed",
      detail: expect.stringContaining(`did not report ${known?.value ?? "?"}`) as unknown,
    });
  });

  test("on a pipe, progress is plain lines on stderr", async () => {
    const lines: string[] = [];
    const write = process.stderr.write.bind(process.stderr);
    process.stderr.write = (text: string | Uint8Array): boolean => lines.push(String(text)) > 0;
    try {
      await command(["conform", "--xen", xen, ...X]);
    } finally {
      process.stderr.write = write;
    }
    expect(lines.join("")).toBe(
      "running 3 checks\nXen xen: 3 passed, 0 failed, 0 skipped\n3 of 3 checks ran\n",
    );
  });
});

describe("report merge", () => {
  const shard = async (at: string, play?: Play): Promise<string> => {
    const file = inFolder(`shard-${at.replace("/", "-of-")}.json`);
    const { exitCode } = await conform(
      [...X, "--shard", at, "--reporter", "json", "--output-file", file],
      play,
    );
    expect(exitCode).toBe(play === undefined ? 0 : 1);
    return file;
  };

  test("joins shards into what one run says", async () => {
    const files = [await shard("1/2"), await shard("2/2")];
    const { exitCode, stdout } = await command(["report", "merge", ...files, "--json"]);
    const whole = await conform([...X, "--json"]);
    const checks = (text: string): unknown => (JSON.parse(text) as { checks: unknown }).checks;
    expect(exitCode).toBe(0);
    expect(checks(stdout)).toEqual(checks(whole.stdout));
    const again = await command(["report", "merge", ...files, files[0] ?? ""]);
    expect(again.stdout).toContain("3 checks: 3 passed");
    expect(again.stdout).not.toContain("shard");
  });

  test("in any reporter's form", async () => {
    const files = [await shard("1/2"), await shard("2/2")];
    const html = inFolder("merged.html");
    const outputs = ["--reporter", "tap", "--output-file", `html=${html}`];
    const { stdout } = await command(["report", "merge", ...files, ...outputs]);
    expect(stdout).toMatch(/^TAP version 14\n1\.\.1\n/);
    expect(await readFile(html, "utf8")).toContain("Nothing failed.");
  });

  test("exits as the run would have", async () => {
    const bad = await shard("1/2", () => ({ verdict: "crash", message: "it died" }));
    const { exitCode, stdout } = await command(["report", "merge", bad, await shard("2/2")]);
    expect(exitCode).toBe(1);
    expect(stdout).toContain("no result: it died");
  });

  test("of less than all shards is an error, and writes nothing", async () => {
    const file = await shard("1/2");
    const target = inFolder("kept.html");
    await writeFile(target, "mine");
    const args = ["report", "merge", file, "--output-file", `html=${target}`];
    await expect(command(args)).rejects.toThrow(
      `of Xen xen, no file is shard 2/2 (${file} is 1/2)`,
    );
    expect(await readFile(target, "utf8")).toBe("mine");
  });

  test("may write over one of its own files", async () => {
    const files = [await shard("1/1")];
    const args = ["report", "merge", ...files, "--reporter", "json", "--output-file", ...files];
    expect((await command(args)).exitCode).toBe(0);
    expect((await command(["report", "merge", ...files])).exitCode).toBe(0);
  });
});
