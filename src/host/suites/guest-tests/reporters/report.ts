/** Results of guest tests as the report model has them: a file is a suite, a test a case, with the groups that it is in. */
import {
  listed,
  problemCase,
  type Fact,
  type Outcome,
  type Place,
  type Report,
  type ReportCase,
  type ReportNode,
  type ReportSuite,
} from "../../../report/model.js";
import type {
  Assertion,
  FileResult,
  GroupResult,
  RunResult,
  TestResult,
  TestStatus,
} from "../model.js";
import { reasonOf } from "./reporter.js";
import { given } from "../../../base/given.js";

export const OUTCOMES: Record<TestStatus, Outcome> = {
  passed: "passed",
  failed: "failed",
  crashed: "error",
  "timed-out": "error",
  "not-run": "error",
  skipped: "skipped",
  todo: "todo",
};

export function reportOf(result: RunResult): Report {
  return {
    title: `xenlet on ${result.xen}`,
    comments: [`on ${result.xen}`],
    suites: result.files.map((file) => suiteOf(file, result)),
    durationMs: result.durationMs,
  };
}

/** `run`: what the file ran on, once that is known. */
export function suiteOf(file: FileResult, run?: Pick<RunResult, "xen" | "machine">): ReportSuite {
  const { problem, log, notRun } = file;
  const children = file.children.map(nodeOf);
  if (problem !== null)
    children.push(
      problemCase(problem.kind, problem.message, {
        facts: [
          ...listed("details", problem.details),
          ...(log === null ? [] : [["log", log] as Fact]),
        ],
        text: problem.details,
      }),
    );
  return {
    name: file.file,
    classname: file.file,
    children,
    instead: null,
    properties: {
      ...given({ xen: run?.xen, qemu: run?.machine?.qemu, "not-run": notRun }),
    },
    file: file.file,
    log,
    output: file.output,
    durationMs: file.durationMs,
    began: run?.machine?.began ?? null,
    hostname: run?.machine?.hostname ?? null,
  };
}

function nodeOf(child: GroupResult | TestResult): ReportNode {
  if (child.type === "test") return caseOf(child);
  return { type: "group", name: child.name, children: child.children.map(nodeOf) };
}

function caseOf(test: TestResult): ReportCase {
  const outcome = OUTCOMES[test.status];
  const failed = test.assertions.filter(({ ok }) => !ok);
  const place = failed[0]?.place ?? test.place;
  return {
    type: "case",
    name: test.name,
    isProblem: false,
    outcome,
    reason: outcome === "passed" || outcome === "todo" ? "" : reasonFor(test),
    kind: test.status,
    place,
    facts: outcome === "failed" || outcome === "error" ? factsOf(test, failed, place) : [],
    text: [
      ...failed.flatMap(({ text, expected, actual, place: at }) => [
        text,
        `  expected ${expected ?? ""}`,
        `  actual   ${actual ?? ""}`,
        ...(at === null ? [] : [`  at ${at.file}:${at.line}`]),
      ]),
      ...(test.message === null ? [] : [test.message]),
      ...test.frames.map((frame) => `  at ${frame}`),
      ...(failed.length === 0 && place !== null ? [`  at ${place.file}:${place.line}`] : []),
    ],
    output: test.output,
    durationMs: test.durationMs,
  };
}

function reasonFor(test: TestResult): string {
  return test.status === "skipped" ? (test.message ?? "") : reasonOf(test);
}

function factsOf(test: TestResult, failed: Assertion[], place: Place | null): Fact[] {
  const [first] = failed;
  return [
    ...(place === null ? [] : [["at", { file: place.file, line: place.line }] as Fact]),
    ...(first === undefined
      ? []
      : ([
          ["found", first.actual ?? ""],
          ["wanted", first.expected ?? ""],
        ] satisfies Fact[])),
    ...listed(
      "assertions",
      failed.map(
        ({ text, expected, actual, place: at }) =>
          `${text}: expected ${expected ?? ""}, actual ${actual ?? ""}${at === null ? "" : ` (${at.file}:${at.line})`}`,
      ),
    ),
    ...listed("backtrace", test.frames),
    ...listed("output", test.output),
  ];
}
