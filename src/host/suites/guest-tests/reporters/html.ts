/** Guest tests as a page: a matrix (src/host/report/matrix) with one column, in which a file is an area. */
import { matrixPage } from "../../../report/matrix/html.js";
import type { CheckResult, Report, Run } from "../../../report/matrix/model.js";
import { isFailure, testsOf, type FileResult, type RunResult, type TestResult } from "../model.js";
import { reasonOf, type Reporter } from "./reporter.js";

export function htmlReporter(): Reporter {
  return {
    file: () => "",
    end: (result) =>
      matrixPage(matrixOf(result), {
        heading: "Guest tests",
        generator: "xenlet test",
        row: "test",
        again: `xenlet test ${result.files.map(({ file }) => file).join(" ")}`,
      }),
  };
}

export function matrixOf(result: RunResult): Report {
  const run = runOf(result);
  return {
    runs: [run],
    unavailable: [],
    selected: run.checks.map(({ name }) => name),
    shard: null,
    began: result.machine?.began ?? "",
    durationMs: result.durationMs,
  };
}

/** "Xen 4.17 (Debian 4.17.7+13-g…)", or of a file "Xen 4.21-unstable (path)". */
const NAME = /^Xen (?<version>\S+) \((?<debian>Debian )?(?<rest>.*)\)$/;

function runOf({ xen, files, durationMs }: RunResult): Run {
  const { version = xen, debian, rest = "" } = NAME.exec(xen)?.groups ?? {};
  return {
    label: version,
    on: "domu",
    debianVersion: debian === undefined ? null : rest,
    banner: debian === undefined ? rest : null,
    checks: files.flatMap((file) => checksOf(file, version)),
    state: [],
    timeline: [],
    series: [],
    problems: files.flatMap(({ file, problem, log }) =>
      problem === null
        ? []
        : [
            {
              kind: problem.kind === "host" ? "host" : "boot",
              message: [`${file}: ${problem.message}`, ...problem.details].join("; "),
              log,
            },
          ],
    ),
    boots: files.filter((file) => file.durationMs > 0).length,
    durationMs,
  };
}

function checksOf({ file, children, log }: FileResult, xen: string): CheckResult[] {
  // A row is known by its name, and a file may have two tests of one name.
  const seen = new Map<string, number>();
  return testsOf(children).map((test) => {
    const name = [file, ...test.groups, test.name].join(" › ");
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    const failed = isFailure(test.status);
    return {
      name: count === 1 ? name : `${name} (${count})`,
      title: "",
      area: file,
      xen,
      on: "domu",
      status: failed ? "failed" : test.status === "passed" ? "passed" : "skipped",
      detail: failed ? [reasonOf(test), ...test.frames].join(" at ") : skippedBecause(test),
      control: "none",
      controlDetail: "",
      claims: failed
        ? test.assertions.map(({ ok, text, expected, actual }) => ({
            phase: "check",
            ok,
            text: ok ? text : `${text}: expected ${expected ?? "?"}, actual ${actual ?? "?"}`,
          }))
        : [],
      durationMs: test.durationMs,
      log,
    };
  });
}

function skippedBecause(test: TestResult): string {
  return test.status === "todo" ? "todo" : (test.message ?? "");
}
