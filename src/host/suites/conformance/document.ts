/**
 * A report as JSON, written and read back (`xenlet report merge`):
 *
 *     {"xen": ["4.14", …], "checks": [{"name", "xen", "status", "detail"}…], "summary": {…}}
 *
 * `checks` is all that most readers want; what else is known stands in `summary`.
 */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { UserError } from "../../base/errors.js";
import {
  countRuns,
  nameRun,
  PHASES,
  STATUSES,
  WAYS,
  type CheckResult,
  type Report,
  type Run,
} from "../../report/matrix/model.js";
import { given } from "../../base/given.js";

/** Changes when an older reader could not read it. */
const FORMAT = 1;

const count = z.int().nonnegative();
const COUNTS = {
  total: count,
  passed: count,
  failed: count,
  skipped: count,
  controls: count,
  problems: count,
};

const DOCUMENT = z.strictObject({
  xen: z.array(z.string()),
  checks: z.array(
    z.strictObject({
      name: z.string(),
      xen: z.string(),
      status: z.enum(STATUSES),
      detail: z.string(),
    }),
  ),
  summary: z.strictObject({
    format: z.literal(FORMAT),
    ...COUNTS,
    began: z.string(),
    durationMs: z.number(),
    shard: z.strictObject({ index: z.int().positive(), of: z.int().positive() }).nullable(),
    selected: z.array(z.string()),
    unavailable: z.array(
      z.strictObject({ label: z.string(), reason: z.string(), excused: z.boolean() }),
    ),
    runs: z.array(
      z.strictObject({
        ...COUNTS,
        label: z.string(),
        name: z.string(),
        on: z.enum(WAYS),
        debianVersion: z.string().nullable(),
        banner: z.string().nullable(),
        machine: z.strictObject({ hostname: z.string(), qemu: z.string() }).optional(),
        boots: count,
        durationMs: z.number(),
        state: z.array(
          z.strictObject({
            name: z.string(),
            before: z.string(),
            atShutdown: z.string(),
            afterReset: z.string(),
          }),
        ),
        timeline: z.array(z.strictObject({ name: z.string(), ns: z.number() })),
        series: z.array(z.strictObject({ name: z.string(), values: z.array(z.number()) })),
        problems: z.array(
          z.strictObject({
            kind: z.enum(["host", "boot", "records", "drift"]),
            message: z.string(),
            log: z.string().nullable(),
          }),
        ),
        /** What else is known of this run's checks, in the order in which they stand above. */
        checks: z.array(
          z.strictObject({
            name: z.string(),
            title: z.string(),
            area: z.string(),
            control: z.enum(["red", "green", "none"]),
            controlDetail: z.string(),
            claims: z.array(
              z.strictObject({ phase: z.enum(PHASES), ok: z.boolean(), text: z.string() }),
            ),
            durationMs: z.number().nullable(),
            log: z.string().nullable(),
          }),
        ),
      }),
    ),
  }),
});

export type ReportDocument = z.infer<typeof DOCUMENT>;

export function documentOf(report: Report): ReportDocument {
  const { runs, shard, selected, unavailable, began, durationMs } = report;
  return {
    xen: runs.map(({ label }) => label),
    checks: runs.flatMap(({ checks }) =>
      checks.map(({ name, xen, status, detail }) => ({ name, xen, status, detail })),
    ),
    summary: {
      format: FORMAT,
      ...countRuns(runs),
      began,
      durationMs,
      shard,
      selected,
      unavailable,
      runs: runs.map((run) => ({
        ...countRuns([run]),
        label: run.label,
        name: nameRun(run),
        on: run.on,
        debianVersion: run.debianVersion,
        banner: run.banner,
        ...given({ machine: run.machine }),
        boots: run.boots,
        durationMs: run.durationMs,
        state: run.state,
        timeline: run.timeline,
        series: run.series,
        problems: run.problems,
        checks: run.checks.map(
          ({ name, title, area, control, controlDetail, claims, durationMs: ms, log }) => ({
            name,
            title,
            area,
            control,
            controlDetail,
            claims,
            durationMs: ms,
            log,
          }),
        ),
      })),
    },
  };
}

/** Throws a UserError that names `source` for anything else than such a document, and for one that contradicts itself. */
export function reportOf(json: string, source: string): Report {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw refuse(source, "it is not JSON", cause);
  }
  const parsed = DOCUMENT.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.join(".") ?? "";
    throw refuse(source, `${where === "" ? "" : `${where}: `}${issue?.message ?? "?"}`);
  }
  const { checks, summary, xen } = parsed.data;
  const { runs, shard, selected, unavailable, began, durationMs } = summary;
  const report: Report = {
    shard,
    selected,
    unavailable,
    began,
    durationMs,
    runs: runs.map((run): Run => {
      const own = checks.filter((check) => check.xen === run.label);
      const more = new Map(run.checks.map((check) => [check.name, check]));
      return {
        label: run.label,
        on: run.on,
        debianVersion: run.debianVersion,
        banner: run.banner,
        ...given({ machine: run.machine }),
        boots: run.boots,
        durationMs: run.durationMs,
        state: run.state,
        timeline: run.timeline,
        series: run.series,
        problems: run.problems,
        checks: own.map((check): CheckResult => {
          const rest = more.get(check.name);
          if (rest === undefined)
            throw refuse(source, `summary.runs has nothing about ${check.name} on ${run.label}`);
          return { ...rest, ...check, on: run.on };
        }),
      };
    }),
  };
  // A file that was edited, or cut together from two, is not believed.
  if (JSON.stringify(documentOf(report)) !== JSON.stringify({ xen, checks, summary }))
    throw refuse(source, "its summary does not match its checks");
  return report;
}

export async function readReport(file: string): Promise<Report> {
  let json: string;
  try {
    json = await readFile(file, "utf8");
  } catch (cause) {
    throw new UserError(`cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
  return reportOf(json, file);
}

function refuse(source: string, why: string, cause?: unknown): UserError {
  return new UserError(`${source} is not a report by this version of \`xenlet conform\`: ${why}`, {
    hint: "xenlet conform --reporter json --output-file json=report.json",
    ...given({ cause }),
  });
}
