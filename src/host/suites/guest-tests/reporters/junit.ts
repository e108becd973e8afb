/**
 * JUnit's XML as CI servers read it: a file is a suite, a test a case. What
 * failed outside of a file's tests is a case of its own. It is valid by Jenkins'
 * schema (junit-10.xsd of its xUnit plugin), which is the strictest one in use:
 * what a run has beside its sums belongs to each suite.
 */
import {
  testsOf,
  type FileResult,
  type Problem,
  type RunResult,
  type TestResult,
} from "../model.js";
import { reasonOf, type Reporter } from "./reporter.js";
import { attributes, content, seconds } from "./xml.js";

export function junitReporter(): Reporter {
  return { file: () => "", end: (result) => document(result) };
}

function document({ xen, files, durationMs, machine }: RunResult): string {
  const suites = files.map((file) => suite(file, xen, machine));
  const sum = (key: "tests" | "failures" | "errors"): number =>
    suites.reduce((all, one) => all + one[key], 0);
  const head = attributes({
    name: `xenlet on ${xen}`,
    tests: sum("tests"),
    failures: sum("failures"),
    errors: sum("errors"),
    time: seconds(durationMs),
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${head}>`,
    ...suites.map(({ xml }) => xml),
    "</testsuites>",
    "",
  ].join("\n");
}

interface Suite {
  tests: number;
  /** Assertions that did not hold. */
  failures: number;
  /** Everything else that went wrong. */
  errors: number;
  skipped: number;
  xml: string;
}

function suite(file: FileResult, xen: string, machine: RunResult["machine"]): Suite {
  const tests = testsOf(file.children);
  const having = (...statuses: string[]): number =>
    tests.filter(({ status }) => statuses.includes(status)).length;
  const problems = file.problem === null ? 0 : 1;
  const counts = {
    tests: tests.length + problems,
    failures: having("failed"),
    errors: having("crashed", "timed-out", "not-run") + problems,
    skipped: having("skipped", "todo"),
  };
  const head = attributes({
    name: file.file,
    ...counts,
    time: seconds(file.durationMs),
    ...(machine === undefined ? {} : { timestamp: machine.began, hostname: machine.hostname }),
    file: file.file,
    ...(file.log === null ? {} : { log: file.log }),
  });
  const properties = {
    xen,
    ...(machine === undefined ? {} : { qemu: machine.qemu }),
    ...(file.notRun === undefined ? {} : { "not-run": file.notRun }),
  };
  const lines = [
    `  <testsuite${head}>`,
    "    <properties>",
    ...Object.entries(properties).map(
      ([name, value]) => `      <property${attributes({ name, value })}/>`,
    ),
    "    </properties>",
    ...tests.map((test) => testCase(test, file)),
    ...(file.problem === null ? [] : [problemCase(file.problem, file)]),
    ...(file.output.length === 0
      ? []
      : [`    <system-out>${content(file.output.join("\n"))}</system-out>`]),
    "  </testsuite>",
  ];
  return { ...counts, xml: lines.join("\n") };
}

function testCase(test: TestResult, { file }: FileResult): string {
  const head = attributes({
    name: [...test.groups, test.name].join(" › "),
    classname: file,
    time: seconds(test.durationMs ?? 0),
  });
  const output =
    test.output.length === 0 ? "" : `<system-out>${content(test.output.join("\n"))}</system-out>`;
  return `    <testcase${head}>${outcome(test)}${output}</testcase>`;
}

function outcome(test: TestResult): string {
  switch (test.status) {
    case "passed":
      return "";
    case "skipped":
    case "todo":
      return `<skipped${attributes({ message: test.message ?? "todo" })}/>`;
    case "failed":
      return element("failure", test);
    default:
      return element("error", test);
  }
}

function element(name: "failure" | "error", test: TestResult): string {
  const failed = test.assertions.filter(({ ok }) => !ok);
  const text = [
    ...failed.map(
      ({ text, expected, actual, place }) =>
        `${text}\n  expected ${expected ?? ""}\n  actual   ${actual ?? ""}` +
        (place === null ? "" : `\n  at ${place.file}:${place.line}`),
    ),
    ...(test.message === null ? [] : [test.message]),
    ...test.frames.map((frame) => `  at ${frame}`),
    ...(failed.length === 0 && test.place !== null
      ? [`  at ${test.place.file}:${test.place.line}`]
      : []),
  ].join("\n");
  return `<${name}${attributes({ message: reasonOf(test), type: test.status })}>${content(text)}</${name}>`;
}

function problemCase(problem: Problem, { file }: FileResult): string {
  const head = attributes({ name: `(${problem.kind})`, classname: file, time: seconds(0) });
  const text = [problem.message, ...problem.details].join("\n");
  return `    <testcase${head}><error${attributes({ message: problem.message, type: problem.kind })}>${content(text)}</error></testcase>`;
}
