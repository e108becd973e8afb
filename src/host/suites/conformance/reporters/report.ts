/** A matrix as the report model has it: a version of Xen is a suite, a check a case. */
import {
  listed,
  problemCase,
  type Fact,
  type Report as CommonReport,
  type ReportCase,
  type ReportSuite,
} from "../../../report/model.js";
import { given } from "../../../base/given.js";
import { oneLine } from "../../../base/text.js";
import {
  nameRun,
  type CheckResult,
  type Report,
  type Run,
  type Unavailable,
} from "../../../report/matrix/model.js";
import { describeShard } from "../../../report/matrix/reporter.js";

export function reportOf(report: Report): CommonReport {
  const { shard, runs, unavailable, began, durationMs } = report;
  return {
    title: `xenlet conform${shard === null ? "" : ` ${shard.index}/${shard.of}`}`,
    comments: shard === null ? [] : [describeShard(report)],
    suites: [
      ...runs.map((run) => suiteOf(run, began)),
      ...unavailable.map((one) => unavailableSuite(one, began)),
    ],
    durationMs,
  };
}

function suiteOf(run: Run, began: string): ReportSuite {
  const problems = run.problems.map(({ kind, message, log }) =>
    problemCase(kind, message, {
      facts: log === null ? [] : [["log", log]],
      text: log === null ? [] : [`log: ${log}`],
    }),
  );
  return {
    ...emptySuite(nameRun(run), run.label, began),
    children: [...run.checks.map(caseOf), ...problems],
    properties: {
      xen: nameRun(run),
      on: run.on,
      ...given({ qemu: run.machine?.qemu }),
    },
    hostname: run.machine?.hostname ?? null,
    durationMs: run.durationMs,
  };
}

function unavailableSuite({ label, reason, excused }: Unavailable, began: string): ReportSuite {
  return {
    ...emptySuite(`Xen ${label}`, label, began),
    instead: {
      ...problemCase("unavailable", reason),
      outcome: excused ? "skipped" : "error",
    },
  };
}

function emptySuite(name: string, label: string, began: string): ReportSuite {
  return {
    name,
    classname: `xen-${label}`,
    children: [],
    instead: null,
    properties: { xen: name },
    file: null,
    log: null,
    output: [],
    durationMs: 0,
    began,
    hostname: null,
  };
}

function caseOf(check: CheckResult): ReportCase {
  const { name, title, status, detail, log, control } = check;
  const claims = check.claims.map(
    ({ phase, ok, text }) => `${phase}, ${ok ? "held" : "did not hold"}: ${text}`,
  );
  const facts: Fact[] = [
    ...(status === "failed" ? listed("claims", claims) : []),
    ...(status === "failed" && log !== null ? ([["log", log]] satisfies Fact[]) : []),
    ["control", control],
  ];
  return {
    type: "case",
    name,
    isProblem: false,
    description: `${name}: ${oneLine(title)}`,
    outcome: status,
    reason: status === "passed" ? "" : detail,
    kind: status,
    place: null,
    facts,
    text: [title, detail, ...claims, ...(log === null ? [] : [`log: ${log}`])],
    output: [],
    durationMs: check.durationMs,
  };
}
