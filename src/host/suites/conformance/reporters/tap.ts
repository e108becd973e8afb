/** TAP version 14: a version of Xen is a subtest, a check a test point. */
import {
  description,
  diagnostics,
  listOf,
  subtest,
  type Entry,
  type Point,
} from "../../guest-tests/reporters/tap-lines.js";
import { oneLine } from "../../guest-tests/text.js";
import {
  nameRun,
  runFailed,
  type CheckResult,
  type Problem,
  type Report,
  type Run,
  type Unavailable,
} from "../model.js";
import { describeShard, type MatrixReporter } from "./reporter.js";

export const tapReporter: MatrixReporter = (report) =>
  [
    "TAP version 14",
    ...(report.shard === null ? [] : [`# ${describeShard(report)}`]),
    ...topLevel(report),
  ]
    .map((line) => `${line}\n`)
    .join("");

function topLevel({ runs, unavailable }: Report): string[] {
  const points: Point[] = [
    ...runs.map(
      (run): Point =>
        (number) =>
          runPoint(run, number),
    ),
    ...unavailable.map(
      (one): Point =>
        (number) =>
          unavailablePoint(one, number),
    ),
  ];
  return [`1..${points.length}`, ...points.flatMap((point, index) => point(index + 1))];
}

function runPoint(run: Run, number: number): string[] {
  const children: Point[] = [
    ...run.checks.map(
      (check): Point =>
        (at) =>
          checkPoint(check, at),
    ),
    ...run.problems.map(
      (problem): Point =>
        (at) =>
          problemPoint(problem, at),
    ),
  ];
  return subtest(nameRun(run), runFailed(run), children, number);
}

function unavailablePoint({ label, reason, excused }: Unavailable, number: number): string[] {
  const name = description(`Xen ${label}`);
  if (excused) return [`ok ${number} - ${name} # SKIP ${description(reason)}`];
  return [`not ok ${number} - ${name}`, ...diagnostics([["message", reason]])];
}

function checkPoint(check: CheckResult, number: number): string[] {
  const name = description(`${check.name}: ${oneLine(check.title)}`);
  switch (check.status) {
    case "passed":
      return [`ok ${number} - ${name}`, ...diagnostics(facts(check))];
    case "skipped":
      return [`ok ${number} - ${name} # SKIP ${description(check.detail)}`];
    case "failed":
      return [`not ok ${number} - ${name}`, ...diagnostics(failure(check))];
  }
}

function facts({ control, durationMs }: CheckResult): Entry[] {
  return [
    ["control", control],
    ...(durationMs === null
      ? []
      : ([["duration_ms", Number(durationMs.toFixed(3))]] satisfies Entry[])),
  ];
}

function failure(check: CheckResult): Entry[] {
  const claims = check.claims.map(
    ({ phase, ok, text }) => `${phase}, ${ok ? "held" : "did not hold"}: ${text}`,
  );
  return [
    ["message", check.detail],
    ["severity", "fail"],
    ...listOf("claims", claims),
    ...(check.log === null ? [] : ([["log", check.log]] satisfies Entry[])),
    ...facts(check),
  ];
}

function problemPoint({ kind, message, log }: Problem, number: number): string[] {
  return [
    `not ok ${number} - ${description(`(${kind}) ${message}`)}`,
    ...diagnostics([
      ["message", message],
      ["severity", "fail"],
      ...(log === null ? [] : ([["log", log]] satisfies Entry[])),
    ]),
  ];
}
