/**
 * What a test file says of the machine it needs. Why it matters: a setting that is misread runs a test on the
 * wrong machine. How it would fail: a misspelt setting, or one out of range, passed over in silence.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findTestFiles } from "../../../../src/host/suites/guest-tests/run-files.js";
import { parseSettings } from "../../../../src/host/suites/guest-tests/settings.js";

describe("settings", () => {
  test.each([
    ["", {}],
    ["// @xenlet vcpus=4\n", { vcpus: 4 }],
    [
      "// A guest.\n\n// @xenlet vcpus=2 mem=256\r\n// @xenlet timeout=60 test-timeout=0.5\nimport",
      { vcpus: 2, memoryMiB: 256, timeoutMs: 60_000, testTimeoutMs: 500 },
    ],
    ["//@xenlet mem=64 cmdline=a=b vcpus=3 c\n", { memoryMiB: 64, cmdline: "a=b vcpus=3 c" }],
    ["let x;\n// @xenlet vcpus=4\n", {}],
    ["// about @xenlet vcpus=4\n", {}],
  ])("%j", (text, settings) => {
    expect(parseSettings(text, "a.ts")).toEqual(settings);
  });

  test.each([
    ["cpus=4", 'a.ts:1: unknown setting "cpus"'],
    ["vcpus", "vcpus= is not in 1..128"],
    ["vcpus=0", "vcpus=0 is not in 1..128"],
    ["vcpus=1.5", "vcpus=1.5 is not in"],
    ["vcpus=two", "vcpus=two is not in"],
    ["mem=1", "mem=1 is not in 8..65536"],
    ["timeout=0", "timeout=0 is not in"],
    ["test-timeout=-1", "test-timeout=-1 is not in"],
  ])("%j is refused", (words, message) => {
    expect(() => parseSettings(`// @xenlet ${words}\n`, "a.ts")).toThrow(message);
  });
});

describe("test files", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "xenlet-find-"));
    for (const sub of ["sub", "_lib", "node_modules", ".git", "empty"])
      await mkdir(path.join(folder, sub));
    for (const name of ["b.ts", "a.ts", "_help.ts", "a.d.ts", "x.js", "sub/c.ts"])
      await writeFile(path.join(folder, name), "");
    for (const name of ["_lib/d.ts", "node_modules/e.ts", ".git/f.ts"])
      await writeFile(path.join(folder, name), "");
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("are those below a folder, in order, without helpers; each once", async () => {
    const names = ["a.ts", "b.ts", "sub/c.ts"].map((name) => path.join(folder, name));
    expect(await findTestFiles([folder])).toEqual(names);
    expect(await findTestFiles([folder, path.join(folder, "b.ts")])).toEqual(names);
  });

  test("a file that is named is one, whatever its name", async () => {
    const file = path.join(folder, "_help.ts");
    expect(await findTestFiles([file])).toEqual([file]);
  });

  test.each([
    ["empty", "there are no test files"],
    ["x.js", "expected a folder or FILE.ts"],
    ["nowhere", "cannot read"],
  ])("%s is refused", async (name, message) => {
    await expect(findTestFiles([path.join(folder, name)])).rejects.toThrow(message);
  });
});
