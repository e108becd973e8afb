/** For people: every test by name, and for those that failed, what was expected and where. */
import pc from "picocolors";
import type { Place } from "../../../report/model.js";
import {
  count,
  fileFailed,
  testsOf,
  type Assertion,
  type FileResult,
  type GroupResult,
  type RunResult,
  type TestResult,
} from "../model.js";
import { NOT_SELECTED } from "../collector.js";
import { formatMs, oneLine, plural } from "../../../base/text.js";
import { MARKS } from "../../../report/marks.js";
import { OUTCOMES } from "./report.js";
import type { Reporter, ReporterOptions } from "./reporter.js";

/** Of what a failed test printed. */
const MAX_OUTPUT_LINES = 20;

export function terminalReporter({ colors, source }: ReporterOptions): Reporter {
  const paint = pc.createColors(colors);

  function place(at: Place | null): string {
    return at === null ? "" : paint.dim(`${oneLine(at.file)}:${at.line}`);
  }

  function failedAssertion(assertion: Assertion): string[] {
    const line = assertion.place === null ? null : source(assertion.place);
    const text = oneLine(assertion.text);
    return [
      paint.red(text),
      `  expected  ${paint.green(oneLine(assertion.expected ?? ""))}`,
      `  actual    ${paint.red(oneLine(assertion.actual ?? ""))}`,
      ...(assertion.place === null ? [] : [`  at ${place(assertion.place)}`]),
      // Only where it says more than the name does.
      ...(line === null || line.replace(/;$/, "") === assertion.text
        ? []
        : [`     ${oneLine(line)}`]),
    ];
  }

  function details(test: TestResult): string[] {
    const assertions = test.assertions.filter(({ ok }) => !ok).flatMap(failedAssertion);
    const lines = [...assertions];
    if (test.message !== null) {
      lines.push(paint.red(oneLine(test.message)));
      lines.push(...test.frames.map((frame) => `  at ${oneLine(frame)}`));
    }
    if (assertions.length === 0 && test.place !== null) lines.push(`  at ${place(test.place)}`);
    const output = test.output.slice(-MAX_OUTPUT_LINES);
    return [...lines, ...output.map((line) => paint.dim(`| ${oneLine(line)}`))];
  }

  function testLines(test: TestResult): string[] {
    if (test.status === "skipped" && test.message === NOT_SELECTED) return [];
    const mark = MARKS[OUTCOMES[test.status]];
    const time = test.durationMs === null ? "" : paint.dim(` (${formatMs(test.durationMs)})`);
    const name = oneLine(test.name);
    switch (test.status) {
      case "passed":
        return [`${paint.green(mark)} ${name}${time}`];
      case "skipped":
        return [`${paint.yellow(mark)} ${name} ${paint.dim(`(${oneLine(test.message ?? "")})`)}`];
      case "todo":
        return [`${paint.yellow(mark)} ${name} ${paint.dim("(todo)")}`];
      case "not-run":
        // The reason is printed with the test, or the file, that kept it from running.
        return [`${paint.red(mark)} ${name} ${paint.red("(not run)")}`];
      default:
        return [`${paint.red(mark)} ${name}${time}`, ...details(test).map((line) => `    ${line}`)];
    }
  }

  function childLines(child: GroupResult | TestResult): string[] {
    if (child.type === "test") return testLines(child);
    if (testsOf(child.children).every(({ message }) => message === NOT_SELECTED)) return [];
    return [oneLine(child.name), ...child.children.flatMap(childLines).map((line) => `  ${line}`)];
  }

  function fileLines(result: FileResult): string[] {
    const mark = fileFailed(result) ? paint.red("✗") : paint.green("✓");
    const lines = [
      `${mark} ${paint.bold(oneLine(result.file))} ${paint.dim(`(${formatMs(result.durationMs)})`)}`,
      ...result.children.flatMap(childLines).map((line) => `  ${line}`),
    ];
    if (result.notRun !== undefined) lines.push(`  ${paint.yellow(`not run: ${result.notRun}`)}`);
    if (result.problem !== null) {
      lines.push(`  ${paint.red(oneLine(result.problem.message))}`);
      lines.push(...result.problem.details.map((detail) => `    ${oneLine(detail)}`.trimEnd()));
      lines.push(
        ...result.output
          .slice(-MAX_OUTPUT_LINES)
          .map((line) => paint.dim(`    | ${oneLine(line)}`)),
      );
    }
    if (fileFailed(result) && result.log !== null) lines.push(`  log: ${result.log}`);
    return lines;
  }

  return {
    file: (result) => join(fileLines(result)),
    end: (result) => join(["", summary(result, paint)]),
  };
}

/** `2 files, 1 failed: 10 passed, 1 failed, 0 not run, 2 skipped, 1 todo; 31 assertions (4.2 s), on Xen 4.17 (Debian …)` */
export function summary(
  { xen, files, durationMs }: RunResult,
  paint: Pick<ReturnType<typeof pc.createColors>, "green" | "red" | "yellow">,
): string {
  const sum = count(files);
  const part = (number: number, what: string, color: (text: string) => string): string =>
    number === 0 ? `${number} ${what}` : color(`${number} ${what}`);
  const tests = [
    part(sum.passed, "passed", paint.green),
    part(sum.failed, "failed", paint.red),
    part(sum.notRun, "not run", paint.red),
    part(sum.skipped, "skipped", paint.yellow),
    part(sum.todo, "todo", paint.yellow),
  ].join(", ");
  const failedFiles = sum.failedFiles === 0 ? "" : paint.red(`, ${sum.failedFiles} failed`);
  return `${plural(sum.files, "file")}${failedFiles}: ${tests}; ${plural(sum.assertions, "assertion")} (${formatMs(durationMs)}), on ${xen}`;
}

function join(lines: string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}
