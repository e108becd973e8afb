// Guests whose tests fail, crash, hang or lie (test/boot/guest/failing/): what is said of each, exactly.
// Why: these are the controls of everything that guests test. Fails if one of them counts as a success, if a
// test is blamed that is not to blame, or if one that did not run is passed over in silence.

import { availableParallelism } from "node:os";
import { beforeAll, describe, expect, test } from "vitest";

import { testsOf, type FileResult } from "../../src/host/suites/guest-tests/model.js";
import { REPORTERS } from "../../src/host/suites/guest-tests/reporters/index.js";
import { findTestFiles, runTestFiles } from "../../src/host/suites/guest-tests/run-files.js";
import { sourceLines } from "../../src/host/suites/guest-tests/source-lines.js";
import { qemu, xen } from "./setup.js";

const FOLDER = "test/boot/guest/failing";
const results = new Map<string, FileResult>();

beforeAll(async () => {
  const { files } = await runTestFiles(await findTestFiles([FOLDER]), {
    xen,
    qemu,
    jobs: availableParallelism(),
    timeoutMs: 60_000,
  });
  for (const file of files) results.set(file.file, file);
});

function resultOf(name: string): FileResult {
  const result = results.get(`${FOLDER}/${name}.ts`);
  if (result === undefined) throw new Error(`${name} was not run`);
  return result;
}

/** `name: status`, in order. */
function statuses(name: string): string[] {
  return testsOf(resultOf(name).children).map((one) => `${one.name}: ${one.status}`);
}

describe("failed assertions", () => {
  test("are told with source text, expected and actual values, and the line", () => {
    const { problem, children } = resultOf("assertions");
    expect(problem).toBeNull();
    const failed = testsOf(children).flatMap(({ assertions }) =>
      assertions
        .filter(({ ok }) => !ok)
        .map(({ text, expected, actual, place }) => [
          place?.line,
          text,
          expected,
          actual,
          place?.file,
        ]),
    );
    const at = `${FOLDER}/assertions.ts`;
    expect(failed).toEqual([
      [8, "expect<i32>(-1).toBe(1)", "1", "-1", at],
      [9, "expect<u64>(u64.MAX_VALUE).toBeLessThan(10)", "< 10", "18446744073709551615", at],
      [10, "expect<i8>(5).toBeGreaterThan(6)", "> 6", "5", at],
      [11, "expect(7).toBeWithin(1, 3)", "1 to 3", "7", at],
      [12, "expect(0.5).toBe(0.25)", "0.25", "0.5", at],
      [13, "expect(8).not.toBe(8)", "not 8", "8", at],
      [17, "expect(1 > 2).toBeTrue()", "true", "false", at],
      [18, "expect(1 < 2).toBeFalse()", "false", "true", at],
      [19, 'expect("a = b, 100 %20\\n").toBe("ü 😀")', '"ü 😀"', '"a = b, 100 %20\n"', at],
      [20, "expect<Thing | null>(new Thing()).toBe(null)", "null", "Thing", at],
      [21, "expect([1, 2]).toEqual([1, 3])", "[1, 3]", "[1, 2]", at],
      [25, "i is not two", "not 2", "2", at],
      [30, 'expect("outside").toBe("of any test")', '"of any test"', '"outside"', at],
    ]);
  });

  test("fail their test and no other; a test without any has failed, too", () => {
    expect(statuses("assertions")).toEqual([
      "on numbers: failed",
      "on booleans, texts and objects: failed",
      "in a loop, where only the third time does not hold: failed",
      "that asserts nothing: failed",
      "(outside of any test): failed",
      "passes, and saves nothing: passed",
    ]);
    const loop = testsOf(resultOf("assertions").children)[2];
    expect(loop?.assertions.map(({ ok, times }) => [ok, times])).toEqual([
      [true, 2],
      [false, 1],
      [true, 2],
    ]);
  });

  test("are shown to people", () => {
    const reporter = REPORTERS.terminal({ colors: false, source: sourceLines() });
    expect(reporter.file(resultOf("assertions"))).toContain(
      [
        "        i is not two",
        "          expected  not 2",
        "          actual    2",
        "          at test/boot/guest/failing/assertions.ts:25",
        '             for (let i = 0; i < 5; i++) expect(i, "i is not two").not.toBe(2);',
        "  ✗ that asserts nothing (",
      ].join("\n"),
    );
  });
});

describe("a crash", () => {
  test("is the running test's; what is behind it is not run", () => {
    expect(statuses("crash")).toEqual([
      "not yet: passed",
      "here: crashed",
      "in vain: not-run",
      "behind the group: not-run",
      "a skipped test that nobody comes to: not-run",
    ]);
    const { problem, children } = resultOf("crash");
    expect(problem).toBeNull();
    expect(testsOf(children)[1]).toMatchObject({
      groups: ["crashes"],
      message: "the guest trapped at crash.ts:16: null-dereference at address 0x8",
      place: { file: `${FOLDER}/crash.ts`, line: 13 },
      output: ["about to touch page 0"],
      assertions: [{ text: "expect(1).toBe(1)", ok: true }],
    });
    expect(testsOf(children)[1]?.frames.length).toBeGreaterThan(2);
  });

  test("outside of any test is the file's", () => {
    expect(statuses("crash-outside")).toEqual(["not reached: not-run"]);
    expect(resultOf("crash-outside").problem).toMatchObject({
      kind: "crash",
      message:
        "before the first test: the guest aborted at crash-outside.ts:5:23: nothing = nothing",
    });
  });
});

describe("a hang", () => {
  test("ends at the test's deadline, and is that test's", () => {
    expect(statuses("hang")).toEqual(["ends: passed", "hangs: timed-out", "behind: not-run"]);
    const { problem, children } = resultOf("hang");
    expect(problem).toBeNull();
    expect(testsOf(children)[1]?.message).toBe("the test did not end within 2 s");
  });

  test("outside of any test ends at the file's deadline, and is the file's", () => {
    expect(statuses("hang-outside")).toEqual(["before: passed", "behind: not-run"]);
    expect(resultOf("hang-outside").problem).toMatchObject({
      kind: "timeout",
      message: expect.stringMatching(
        /^after "before": the guest ran, but reported no result within 3 s(?: of its own \(.*\))?; vCPU 0 was at /,
      ) as string,
    });
  });
});

describe("a guest that ends itself with success", () => {
  test("before all tests have run has failed", () => {
    expect(statuses("exit")).toEqual(["before: passed", "behind: not-run"]);
    expect(resultOf("exit").problem?.message).toContain("the guest ended itself with exit code 0");
  });

  test("in a test has failed that test", () => {
    expect(statuses("exit-inside")).toEqual(["leaves: crashed"]);
  });

  test("and counts tests that it did not tell of has failed", () => {
    expect(resultOf("liar").problem?.message).toBe(
      "the guest counted 2 passed and 0 failed tests, but reported 1 and 0",
    );
  });
});

test.each([
  ["code", "records", "no test failed, but the guest's exit code is 3"],
  ["nothing", "records", "there are no tests in this file"],
  ["no-matcher", "build", "this expect() asserts nothing: call a matcher"],
])("%s.ts has a problem", (name, kind, message) => {
  const { problem } = resultOf(name);
  expect(problem?.kind).toBe(kind);
  expect(problem?.message).toContain(message);
});

test("an assertion that asserts nothing is told with its line", () => {
  expect(resultOf("no-matcher").problem?.details.join("\n")).toContain("no-matcher.ts(5,3)");
});
