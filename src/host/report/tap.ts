/**
 * TAP version 14 (testanything.org/tap-version-14-specification.html): a suite and a group are subtests, a case is a test
 * point, with diagnostics if there is something to tell. A todo is `not ok … # TODO`, which TAP does not count as a failure.
 */
import { hasFailure, isFailure, type Report, type ReportCase, type ReportNode } from "./model.js";
import { oneLine } from "../base/text.js";
import { description, diagnostics } from "./tap-lines.js";

export function tapOf({ comments, suites }: Report): string {
  const lines = [
    "TAP version 14",
    ...comments.map((comment) => `# ${oneLine(comment)}`),
    `1..${suites.length}`,
    ...suites.flatMap(({ name, children, instead }, index) =>
      instead === null
        ? subtest(name, children, index + 1)
        : point({ ...instead, description: name }, index + 1),
    ),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function subtest(name: string, nodes: ReportNode[], number: number): string[] {
  const inner = nodes.flatMap((node, index) =>
    node.type === "case" ? point(node, index + 1) : subtest(node.name, node.children, index + 1),
  );
  return [
    `# Subtest: ${description(name)}`,
    ...[`1..${nodes.length}`, ...inner].map((line) => `    ${line}`),
    `${hasFailure(nodes) ? "not ok" : "ok"} ${number} - ${description(name)}`,
  ];
}

function point(one: ReportCase, number: number): string[] {
  const name = description(one.description ?? one.name);
  switch (one.outcome) {
    case "skipped":
      return [`ok ${number} - ${name} # SKIP ${description(one.reason)}`];
    case "todo":
      return [`not ok ${number} - ${name} # TODO`];
    default:
      return [
        `${isFailure(one) ? "not ok" : "ok"} ${number} - ${name}`,
        ...diagnostics([
          ...(isFailure(one)
            ? ([
                ["message", one.reason],
                ["severity", one.kind === "failed" || one.isProblem ? "fail" : one.kind],
              ] satisfies ReportCase["facts"])
            : []),
          ...one.facts,
          ...(one.durationMs === null
            ? []
            : ([["duration_ms", Number(one.durationMs.toFixed(3))]] satisfies ReportCase["facts"])),
        ]),
      ];
  }
}
