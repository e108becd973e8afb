/**
 * TAP version 14 (testanything.org/tap-version-14-specification.html): a file
 * and a group are subtests, a test is a test point, with diagnostics if it
 * failed. A todo is `not ok … # TODO`, which TAP does not count as a failure.
 */
import {
  fileFailed,
  isFailure,
  testsOf,
  type FileResult,
  type GroupResult,
  type Place,
  type TestResult,
} from "../model.js";
import { oneLine } from "../text.js";
import { reasonOf, type Reporter } from "./reporter.js";
import { description, diagnostics, listOf, subtest, type Entry, type Point } from "./tap-lines.js";

export function tapReporter(): Reporter {
  return {
    file: () => "",
    end: ({ xen, files }) =>
      [
        "TAP version 14",
        `# on ${oneLine(xen)}`,
        `1..${files.length}`,
        ...files.flatMap((file, index) =>
          subtest(file.file, fileFailed(file), fileChildren(file), index + 1),
        ),
      ]
        .map((line) => `${line}\n`)
        .join(""),
  };
}

function fileChildren(file: FileResult): Point[] {
  const points = file.children.map(childPoint);
  const { problem } = file;
  if (problem !== null)
    points.push((number) => [
      `not ok ${number} - ${description(`(${problem.kind}) ${problem.message}`)}`,
      ...diagnostics([
        ["message", problem.message],
        ["severity", "fail"],
        ...listOf("details", problem.details),
        ...(file.log === null ? [] : [["log", file.log] as Entry]),
      ]),
    ]);
  return points;
}

function childPoint(child: GroupResult | TestResult): Point {
  if (child.type === "test") return (number) => testPoint(child, number);
  const failed = testsOf(child.children).some(({ status }) => isFailure(status));
  return (number) => subtest(child.name, failed, child.children.map(childPoint), number);
}

function testPoint(test: TestResult, number: number): string[] {
  const name = description(test.name);
  switch (test.status) {
    case "passed":
      return [`ok ${number} - ${name}`, ...diagnostics(duration(test))];
    case "skipped":
      return [`ok ${number} - ${name} # SKIP ${description(test.message ?? "")}`];
    case "todo":
      return [`not ok ${number} - ${name} # TODO`];
    default:
      return [`not ok ${number} - ${name}`, ...diagnostics(failure(test))];
  }
}

function failure(test: TestResult): Entry[] {
  const failed = test.assertions.filter(({ ok }) => !ok);
  const assertions = failed.map(
    ({ text, expected, actual, place }) =>
      `${text}: expected ${expected ?? ""}, actual ${actual ?? ""}${place === null ? "" : ` (${place.file}:${place.line})`}`,
  );
  const [first] = failed;
  return [
    ["message", reasonOf(test)],
    ["severity", test.status === "failed" ? "fail" : test.status],
    ...at(first?.place ?? test.place),
    ...(first === undefined
      ? []
      : ([
          ["found", first.actual ?? ""],
          ["wanted", first.expected ?? ""],
        ] as Entry[])),
    ...listOf("assertions", assertions),
    ...listOf("backtrace", test.frames),
    ...listOf("output", test.output),
    ...duration(test),
  ];
}

function at(place: Place | null): Entry[] {
  return place === null ? [] : [["at", { file: place.file, line: place.line }]];
}

function duration({ durationMs }: TestResult): Entry[] {
  return durationMs === null ? [] : [["duration_ms", Number(durationMs.toFixed(3))]];
}
