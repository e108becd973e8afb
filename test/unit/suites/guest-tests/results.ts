/** Results with everything in them that is awkward to write down. */
import type {
  FileResult,
  RunResult,
  TestResult,
} from "../../../../src/host/suites/guest-tests/model.js";

/** What XML, YAML, TAP and terminals each stumble over. */
export const AWKWARD =
  '<a href="x">&amp; ]]> \u0000\u0007\u001b[31mred\u001b[0m \\ # SKIP \t\r\n- not ok 1 ünï 😀 \u2028\u202e\ud800\uffff\u0085 1..3 %20';

export function testResult(name: string, more: Partial<TestResult> = {}): TestResult {
  return {
    type: "test",
    name,
    groups: [],
    place: { file: "dir/a.ts", line: 3 },
    status: "passed",
    message: null,
    frames: [],
    assertions: [
      { text: "it holds", place: null, ok: true, times: 2, expected: null, actual: null },
    ],
    durationMs: 1.25,
    output: [],
    ...more,
  };
}

export function fileResult(more: Partial<FileResult> = {}): FileResult {
  return {
    file: "dir/a.ts",
    children: [],
    problem: null,
    output: [],
    durationMs: 1500,
    buildMs: 10,
    log: null,
    ...more,
  };
}

export const failedTest = (name: string, groups: string[] = []): TestResult =>
  testResult(name, {
    groups,
    status: "failed",
    assertions: [
      {
        text: "expect(x).toBe(y)",
        place: { file: "dir/a.ts", line: 7 },
        ok: false,
        times: 1,
        expected: '"a"',
        actual: AWKWARD,
      },
      { text: "other", place: null, ok: false, times: 1, expected: "1", actual: "2" },
    ],
  });

/** Two files: one good, one with one test of each status and a problem. */
export const MIXED: RunResult = {
  xen: "Xen 4.17 (Debian 4.17.7+13-g2445b30a44-0+deb12u1)",
  durationMs: 4200,
  machine: { began: "2026-01-02T03:04:05.678Z", hostname: "here", qemu: "7.2.22" },
  files: [
    fileResult({ file: "good.ts", children: [testResult("passes")] }),
    fileResult({
      file: `bad ${AWKWARD}.ts`,
      children: [
        {
          type: "group",
          name: `g ${AWKWARD}`,
          place: null,
          children: [
            testResult(`t ${AWKWARD}`, { groups: [`g ${AWKWARD}`], output: [AWKWARD] }),
            failedTest("fails", [`g ${AWKWARD}`]),
          ],
        },
        testResult("crashes", {
          status: "crashed",
          message: `trapped: ${AWKWARD}`,
          frames: ["f (a.ts:1)"],
          output: ["last words", AWKWARD],
        }),
        testResult("hangs", { status: "timed-out", message: "too long", durationMs: null }),
        testResult("never", { status: "not-run", message: "not run: x", assertions: [] }),
        testResult("not here", { status: "skipped", message: AWKWARD, assertions: [] }),
        testResult("later", { status: "todo", assertions: [] }),
      ],
      problem: { kind: "crash", message: AWKWARD, details: ["at x", AWKWARD] },
      output: [AWKWARD],
      log: "/some/where.log",
    }),
  ],
};

export const GOOD: RunResult = { xen: MIXED.xen, durationMs: 1, files: MIXED.files.slice(0, 1) };
