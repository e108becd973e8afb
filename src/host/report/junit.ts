/**
 * JUnit's XML as CI servers read it. It is valid by Jenkins' schema (junit-10.xsd of its xUnit plugin), which is the strictest
 * one in use: what a run has beside its sums belongs to each suite.
 */
import { casesOf, type Outcome, type Report, type ReportCase, type ReportSuite } from "./model.js";
import { attributes, content, seconds } from "./xml.js";

export function junitOf({ title, suites, durationMs }: Report): string {
  const written = suites.map(suite);
  const sum = (key: "tests" | "failures" | "errors"): number =>
    written.reduce((all, { sums }) => all + sums[key], 0);
  const head = attributes({
    name: title,
    tests: sum("tests"),
    failures: sum("failures"),
    errors: sum("errors"),
    time: seconds(durationMs),
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${head}>`,
    ...written.map(({ xml }) => xml),
    "</testsuites>",
    "",
  ].join("\n");
}

interface Suite {
  sums: { tests: number; failures: number; errors: number; skipped: number };
  xml: string;
}

function suite(of: ReportSuite): Suite {
  const cases = of.instead === null ? casesOf(of.children) : [{ groups: [], one: of.instead }];
  const having = (...outcomes: Outcome[]): number =>
    cases.filter(({ one }) => outcomes.includes(one.outcome)).length;
  const sums = {
    tests: cases.length,
    failures: having("failed"),
    errors: having("error"),
    skipped: having("skipped", "todo"),
  };
  const head = attributes({
    name: of.name,
    ...sums,
    time: seconds(of.durationMs),
    ...(of.began === null ? {} : { timestamp: of.began }),
    ...(of.hostname === null ? {} : { hostname: of.hostname }),
    ...(of.file === null ? {} : { file: of.file }),
    ...(of.log === null ? {} : { log: of.log }),
  });
  const lines = [
    `  <testsuite${head}>`,
    "    <properties>",
    ...Object.entries(of.properties).map(
      ([name, value]) => `      <property${attributes({ name, value })}/>`,
    ),
    "    </properties>",
    ...cases.map(({ groups, one }) => testCase([...groups, one.name], of.classname, one)),
    ...(of.output.length === 0 ? [] : [`    ${printed(of.output)}`]),
    "  </testsuite>",
  ];
  return { sums, xml: lines.join("\n") };
}

function testCase(names: string[], classname: string, one: ReportCase): string {
  const head = attributes({
    name: names.join(" › "),
    classname,
    time: seconds(one.durationMs ?? 0),
  });
  return `    <testcase${head}>${element(one)}${one.output.length === 0 ? "" : printed(one.output)}</testcase>`;
}

function element({ outcome, reason, kind, text }: ReportCase): string {
  switch (outcome) {
    case "passed":
      return "";
    case "skipped":
    case "todo":
      return `<skipped${attributes({ message: reason || "todo" })}/>`;
    case "failed":
    case "error": {
      const name = outcome === "failed" ? "failure" : "error";
      const head = attributes({ message: reason, type: kind });
      return `<${name}${head}>${content(text.join("\n"))}</${name}>`;
    }
  }
}

function printed(lines: string[]): string {
  return `<system-out>${content(lines.join("\n"))}</system-out>`;
}
