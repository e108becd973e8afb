/** What a run of the conformance suite came to: checks by Xen versions. Every reporter is given a Report. */

/** How a check's domain is run. */
export const WAYS = ["domu", "xl", "xl-hvm"] as const;
export type Way = (typeof WAYS)[number];

/**
 * `check` is the check itself. `control` is the same check under a toolstack that
 * leaves out the reset (resumedomain alone): it must fail, or the check shows nothing.
 */
export const PHASES = ["check", "control"] as const;
export type Phase = (typeof PHASES)[number];

export const STATUSES = ["passed", "failed", "skipped"] as const;
export type CheckStatus = (typeof STATUSES)[number];

/** One comparison that a check made. */
export interface Claim {
  phase: Phase;
  ok: boolean;
  /** What was compared, with both values. */
  text: string;
}

/**
 * What became of a check's control: red, as it must; green, which makes the check fail;
 * none, because it has none or came to no result.
 */
export type ControlColour = "red" | "green" | "none";

export interface CheckResult {
  name: string;
  title: string;
  area: string;
  /** The label of its run. */
  xen: string;
  on: Way;
  status: CheckStatus;
  /** What was seen; for a failed or skipped check, why. */
  detail: string;
  control: ControlColour;
  /** What the control saw; empty if there is nothing to tell. */
  controlDetail: string;
  claims: Claim[];
  /** On the host's clock, control included; null if it came to no end. */
  durationMs: number | null;
  /** The serial console of its boot. */
  log: string | null;
}

/** A part of the domain's state as Xen sees it, around one soft reset. */
export interface StateRow {
  name: string;
  before: string;
  atShutdown: string;
  afterReset: string;
}

/** A point of one soft reset. */
export interface TimelineStage {
  name: string;
  /** Of Xen's system time, since the guest's request. */
  ns: number;
}

/** A quantity sampled over many soft resets: it must not move. */
export interface Series {
  name: string;
  values: number[];
}

/** What is wrong with a run and belongs to none of its checks. */
export interface Problem {
  /** `host`: QEMU, the disk, …: nothing that Xen or the guests did. */
  kind: "host" | "boot" | "records" | "drift";
  message: string;
  log: string | null;
}

/** Where checks were run. */
export interface Machine {
  hostname: string;
  /** QEMU's version. */
  qemu: string;
}

/** The checks on one Xen. */
export interface Run {
  /** The column's name, unique in a report: a release of Debian's, or a file's name. */
  label: string;
  on: Way;
  /** Of Debian's package; null for a file. */
  debianVersion: string | null;
  /** What Xen said of itself when it booted; null if it never did. */
  banner: string | null;
  /** Absent where it is not known, or where several had a part in it. */
  machine?: Machine;
  checks: CheckResult[];
  state: StateRow[];
  timeline: TimelineStage[];
  series: Series[];
  problems: Problem[];
  boots: number;
  durationMs: number;
}

/** A Xen that was requested and is not available. */
export interface Unavailable {
  label: string;
  reason: string;
  /** The mirror no longer has that suite, and the user did not name this version: not a failure. */
  excused: boolean;
}

/** One of `of` parts, counted from 1. */
export interface Shard {
  index: number;
  of: number;
}

export interface Report {
  runs: Run[];
  unavailable: Unavailable[];
  /** Names of all checks that were meant to run, in all shards together. */
  selected: string[];
  /** Null: all of them. */
  shard: Shard | null;
  /** When it began, ISO 8601. */
  began: string;
  durationMs: number;
}

export interface Counts {
  total: number;
  passed: number;
  failed: number;
  skipped: number;
  /** Controls that went red. */
  controls: number;
  /** Findings that belong to no check. */
  problems: number;
}

export function countRuns(runs: readonly Run[]): Counts {
  const checks = runs.flatMap((run) => run.checks);
  const having = (status: CheckStatus): number =>
    checks.filter((check) => check.status === status).length;
  return {
    total: checks.length,
    passed: having("passed"),
    failed: having("failed"),
    skipped: having("skipped"),
    controls: checks.filter(({ control }) => control === "red").length,
    problems: runs.reduce((sum, { problems }) => sum + problems.length, 0),
  };
}

export function runFailed({ checks, problems }: Run): boolean {
  return problems.length > 0 || checks.some(({ status }) => status === "failed");
}

/** "Xen 4.17 (Debian 4.17.7+13-g…)": the exact version, which every report has to name. */
export function nameRun({ label, debianVersion, banner }: Run): string {
  if (debianVersion !== null) return `Xen ${label} (Debian ${debianVersion})`;
  return banner === null ? `Xen ${label}` : `Xen ${banner} (${label})`;
}

/** A row of the matrix: a check, with its result on each run, in the runs' order; null where it was not run. */
export interface MatrixRow {
  name: string;
  title: string;
  cells: (CheckResult | null)[];
}

export interface MatrixArea {
  area: string;
  rows: MatrixRow[];
}

/** Areas and rows in the order in which the checks first appear. */
export function matrixOf(runs: readonly Run[]): MatrixArea[] {
  const areas = new Map<string, Map<string, MatrixRow>>();
  for (const [column, { checks }] of runs.entries())
    for (const check of checks) {
      const rows = areas.get(check.area) ?? new Map<string, MatrixRow>();
      areas.set(check.area, rows);
      const row = rows.get(check.name) ?? {
        name: check.name,
        title: check.title,
        cells: runs.map(() => null),
      };
      rows.set(check.name, row);
      row.cells[column] = check;
    }
  return [...areas].map(([area, rows]) => ({ area, rows: [...rows.values()] }));
}

/** Whether every sample is the same. */
export function isFlat({ values }: Series): boolean {
  return values.every((value) => value === values[0]);
}
