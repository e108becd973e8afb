/** For people: the matrix, checks by versions; below it what failed and why, with the log. */
import pc from "picocolors";
import { MARKS } from "../marks.js";
import { formatMs, oneLine, plural } from "../../base/text.js";
import {
  matrixOf,
  nameRun,
  runFailed,
  type CheckResult,
  type CheckStatus,
  type Problem,
  type Run,
} from "./model.js";
import {
  describeCounts,
  describeShard,
  failuresOf,
  logsOf,
  type Failure,
  type MatrixReporter,
} from "./reporter.js";

const NOT_RUN = "·";
/** What a check's name keeps, however many versions stand beside it. */
const LEAST_NAME = 24;
/** Of a version's label; all of it stands above the matrix. */
const MOST_LABEL = 10;

export const terminalReporter: MatrixReporter = (report, { colors, columns }) => {
  const paint = pc.createColors(colors);
  const colourOf: Record<CheckStatus, (text: string) => string> = {
    passed: paint.green,
    failed: paint.red,
    skipped: paint.yellow,
  };

  const matrix = (runs: readonly Run[]): string[] => {
    const labels = runs.map(({ label }) => shorten(label, MOST_LABEL));
    const widths = labels.map((label) => Math.max(label.length, 4) + 2);
    const areas = matrixOf(runs);
    const names = areas.flatMap(({ area, rows }) => [
      area.length,
      ...rows.map(({ name }) => name.length + 2),
    ]);
    const room = columns - widths.reduce((sum, one) => sum + one, 0);
    const width = Math.max(LEAST_NAME, Math.min(room, Math.max(...names, 0)));
    const cell = (check: CheckResult | null, at: number): string => {
      const mark = check === null ? NOT_RUN : MARKS[check.status];
      const text = mark.padStart(widths[at] ?? 0);
      return check === null ? paint.dim(text) : colourOf[check.status](text);
    };
    const head = labels.map((label, at) => paint.bold(label.padStart(widths[at] ?? 0))).join("");
    return areas.flatMap(({ area, rows }, index) => [
      ...(index === 0 ? [] : [""]),
      `${paint.bold(shorten(oneLine(area), width).padEnd(width))}${index === 0 ? head : ""}`,
      ...rows.map(
        ({ name, cells }) =>
          `  ${shorten(oneLine(name), width - 2).padEnd(width - 2)}${cells.map(cell).join("")}`,
      ),
    ]);
  };

  const marked = (mark: string, text: string): string[] =>
    wrap(text, columns - 2).map((line, index) => `${index === 0 ? mark : " "} ${line}`);

  const failure = (one: Failure): string[] => [
    "",
    ...marked(
      paint.red(MARKS.failed),
      `${oneLine(one.name)} on ${one.on.map(({ label }) => oneLine(label)).join(", ")}`,
    ),
    ...wrap(oneLine(one.title), columns - 4).map((line) => `    ${line}`),
    ...wrap(oneLine(one.detail), columns - 4).map((line) => `    ${paint.red(line)}`),
    ...logsOf(one).map((log) => `    log: ${log}`),
  ];

  const problem = (run: Run, { message, log }: Problem): string[] => [
    "",
    ...marked(paint.red(MARKS.failed), `Xen ${oneLine(run.label)}: ${oneLine(message)}`),
    ...(log === null ? [] : [`    log: ${log}`]),
  ];

  const skipped = (runs: readonly Run[]): string[] => {
    // Mostly the same reason on several versions: told once.
    const reasons = new Map<string, string[]>();
    for (const { name, xen, detail } of runs
      .flatMap(({ checks }) => checks)
      .filter(({ status }) => status === "skipped")) {
      const text = `${oneLine(name)}: ${oneLine(detail)}`;
      reasons.set(text, [...(reasons.get(text) ?? []), xen]);
    }
    return [...reasons].flatMap(([text, xens]) =>
      marked(paint.yellow(MARKS.skipped), `${text} (on ${xens.join(", ")})`),
    );
  };

  const lines = [
    ...report.runs.flatMap((run) =>
      wrap(
        `${oneLine(nameRun(run))}: ${plural(run.boots, "boot")}, ${formatMs(run.durationMs)}`,
        columns,
      ),
    ),
    ...report.unavailable.flatMap(({ label, reason }) =>
      wrap(`Xen ${oneLine(label)} is not available: ${oneLine(reason)}`, columns).map(paint.yellow),
    ),
    "",
    ...blocks(report.runs, columns).flatMap((runs, index) => [
      ...(index === 0 ? [] : [""]),
      ...matrix(runs),
    ]),
  ];
  const reasons = skipped(report.runs);
  if (reasons.length > 0) lines.push("", ...reasons);
  lines.push(...failuresOf(report).flatMap(failure));
  for (const run of report.runs) lines.push(...run.problems.flatMap((one) => problem(run, one)));
  lines.push("");
  const shard = describeShard(report);
  const failed = report.runs.some(runFailed);
  const sum = `${describeCounts(report.runs)} (${formatMs(report.durationMs)})`;
  lines.push(
    ...wrap(`${sum}${shard === "" ? "" : `, ${shard}`}`, columns).map(
      failed ? paint.red : (line) => line,
    ),
  );
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
};

/** So many versions as fit beside a name of the least width, at a time. */
function blocks(runs: readonly Run[], columns: number): Run[][] {
  const fit = Math.max(1, Math.floor((columns - LEAST_NAME) / (MOST_LABEL + 2)));
  const enough = runs.every(({ label }) => label.length <= 4)
    ? Math.max(1, Math.floor((columns - LEAST_NAME) / 6))
    : fit;
  return Array.from({ length: Math.ceil(runs.length / enough) }, (_, index) =>
    runs.slice(index * enough, (index + 1) * enough),
  );
}

function shorten(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

/** At blanks; a word that is longer than a line stays whole. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return line === "" ? lines : [...lines, line];
}
