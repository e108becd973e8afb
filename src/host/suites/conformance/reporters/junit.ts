/** JUnit's XML as CI servers read it: a version of Xen is a suite, a check a case. */
import { attributes, content, seconds } from "../../guest-tests/reporters/xml.js";
import {
  countRuns,
  nameRun,
  type CheckResult,
  type Problem,
  type Report,
  type Run,
  type Unavailable,
} from "../model.js";
import type { MatrixReporter } from "./reporter.js";

export const junitReporter: MatrixReporter = (report) => {
  const suites = [
    ...report.runs.map((run) => runSuite(run, report.began)),
    ...report.unavailable.map((one) => unavailableSuite(one, report.began)),
  ];
  const sum = (key: keyof Sums): number => suites.reduce((all, one) => all + one.sums[key], 0);
  const head = attributes({
    name: nameOf(report),
    tests: sum("tests"),
    failures: sum("failures"),
    errors: sum("errors"),
    time: seconds(report.durationMs),
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${head}>`,
    ...suites.map(({ xml }) => xml),
    "</testsuites>",
    "",
  ].join("\n");
};

function nameOf({ shard }: Report): string {
  return `xenlet conform${shard === null ? "" : ` ${shard.index}/${shard.of}`}`;
}

interface Sums {
  tests: number;
  /** Checks that failed. */
  failures: number;
  /** What belongs to no check. */
  errors: number;
  skipped: number;
}

interface Suite {
  sums: Sums;
  xml: string;
}

/** Valid by Jenkins' schema (junit-10.xsd of its xUnit plugin), as that of guest tests. */
function suite(
  name: string,
  sums: Sums,
  at: { ms: number; began: string },
  cases: string[],
): Suite {
  const head = attributes({ name, ...sums, time: seconds(at.ms), timestamp: at.began });
  const xml = [
    `  <testsuite${head}>`,
    `    <properties><property${attributes({ name: "xen", value: name })}/></properties>`,
    ...cases,
    "  </testsuite>",
  ];
  return { sums, xml: xml.join("\n") };
}

function runSuite(run: Run, began: string): Suite {
  const { total, failed, skipped, problems } = countRuns([run]);
  const sums = { tests: total + problems, failures: failed, errors: problems, skipped };
  const classname = `xen-${run.label}`;
  return suite(nameRun(run), sums, { ms: run.durationMs, began }, [
    ...run.checks.map((check) => testCase(check, classname)),
    ...run.problems.map((problem) => problemCase(problem, classname)),
  ]);
}

function unavailableSuite({ label, reason, excused }: Unavailable, began: string): Suite {
  const outcome = excused
    ? `<skipped${attributes({ message: reason })}/>`
    : `<error${attributes({ message: reason, type: "unavailable" })}/>`;
  const sums = { tests: 1, failures: 0, errors: excused ? 0 : 1, skipped: excused ? 1 : 0 };
  return suite(`Xen ${label}`, sums, { ms: 0, began }, [
    testElement({ name: "(unavailable)", classname: `xen-${label}`, time: seconds(0) }, outcome),
  ]);
}

function testCase(check: CheckResult, classname: string): string {
  const { name, durationMs } = check;
  return testElement({ name, classname, time: seconds(durationMs ?? 0) }, outcomeOf(check));
}

function testElement(head: Record<string, string>, outcome: string): string {
  return `    <testcase${attributes(head)}>${outcome}</testcase>`;
}

function outcomeOf(check: CheckResult): string {
  switch (check.status) {
    case "passed":
      return "";
    case "skipped":
      return `<skipped${attributes({ message: check.detail })}/>`;
    case "failed": {
      const text = [
        check.title,
        check.detail,
        ...check.claims.map(
          ({ phase, ok, text: said }) => `${phase}, ${ok ? "held" : "did not hold"}: ${said}`,
        ),
        ...(check.log === null ? [] : [`log: ${check.log}`]),
      ].join("\n");
      return `<failure${attributes({ message: check.detail, type: "failed" })}>${content(text)}</failure>`;
    }
  }
}

function problemCase({ kind, message, log }: Problem, classname: string): string {
  const text = [message, ...(log === null ? [] : [`log: ${log}`])].join("\n");
  const outcome = `<error${attributes({ message, type: kind })}>${content(text)}</error>`;
  return testElement({ name: `(${kind})`, classname, time: seconds(0) }, outcome);
}
