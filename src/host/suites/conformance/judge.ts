/** From what was said about a check to its result. Passed is never the default. */
import {
  answerOn,
  exemptionOf,
  type Difference,
  type Exemption,
  type Expectations,
} from "./expectations.js";
import type { CheckResult, Claim, ControlColour, Phase, Way } from "../../report/matrix/model.js";
import type { PlannedCheck } from "./planned-check.js";
import type { Evidence, PhaseResult } from "./records.js";
import { showVersion, type XenVersion } from "./version.js";

/** Where a check ran, and what it is held against. */
export interface JudgeContext {
  /** The run's label. */
  xen: string;
  on: Way;
  /** Null if nothing tells it. */
  version: XenVersion | null;
  table: Expectations;
}

/** What is left of a check when all boots are over. */
export interface CheckRecord {
  /** Null if no boot came to it. */
  evidence: Evidence | null;
  /** Why it has no result, in words that complete "no result: …"; null if it is not known. */
  end: string | null;
  log: string | null;
}

/** Checks that are not even run there; null: it is. */
export function notRun(check: PlannedCheck, context: JudgeContext): CheckResult | null {
  const exemption = exemptionOf(context.table, { ...context, check: check.name, phase: "check" });
  if (exemption === null) return null;
  return {
    ...blank(check, context),
    status: "skipped",
    detail: whyExempt(exemption),
  };
}

export function judge(
  check: PlannedCheck,
  record: CheckRecord,
  context: JudgeContext,
): CheckResult {
  const { evidence, log } = record;
  const phases = evidence?.phases ?? new Map<Phase, PhaseResult>();
  const claims = evidence?.claims ?? [];
  const own = phases.get("check");
  const control = phases.get("control");
  const durations = [...phases.values()].map(({ durationMs }) => durationMs);
  const result: CheckResult = {
    ...blank(check, context),
    claims,
    log,
    control: colourOf(control),
    controlDetail: control?.text ?? "",
    durationMs: durations.length === 0 ? null : durations.reduce((sum, one) => sum + one),
  };
  const failed = (why: string): CheckResult => ({ ...result, status: "failed", detail: why });

  const [fault] = evidence?.faults ?? [];
  if (fault !== undefined) return failed(fault);
  if (own === undefined) return failed(noResult(record, "check"));
  const broken = claims.filter(({ phase, ok }) => phase === "check" && !ok);
  if (own.status === "failed") return failed(sentences([own.text, ...broken.map(claimText)]));
  if (broken.length > 0)
    return failed(`reports that it ${own.status}, but ${broken.map(claimText).join("; ")}`);
  if (own.status === "skipped")
    return own.text === ""
      ? failed("was skipped without a reason")
      : { ...result, status: "skipped", detail: own.text };

  const surprise = compare(check, "check", own, context);
  if (surprise !== null) return failed(surprise);
  const doubt = doubtControl(check, record, control, context);
  if (doubt.failed !== null) return failed(doubt.failed);
  return {
    ...result,
    status: "passed",
    detail: own.text,
    controlDetail: doubt.note ?? result.controlDetail,
  };
}

/** A result that no announced check has: it fails under its own name. */
export function judgeUnexpected(
  unexpected: { name: string; known: boolean; status: string },
  log: string | null,
  context: JudgeContext,
): CheckResult {
  const { name, known, status } = unexpected;
  const title = known ? name : "an unknown check";
  const check = { name, title, area: "Unknown", suite: "", notUnderXl: null, control: false };
  return {
    ...blank(check, context),
    status: "failed",
    detail: known
      ? `a boot that was not asked to run it reports that it ${status}`
      : `a boot reports that it ${status}, but there is no such check`,
    log,
  };
}

function blank(check: PlannedCheck, { xen, on }: JudgeContext): CheckResult {
  const { name, title, area } = check;
  return {
    name,
    title,
    area,
    xen,
    on,
    status: "failed",
    detail: "",
    control: "none",
    controlDetail: "",
    claims: [],
    durationMs: null,
    log: null,
  };
}

function colourOf(control: PhaseResult | undefined): ControlColour {
  if (control?.status === "failed") return "red";
  return control?.status === "passed" ? "green" : "none";
}

/** Whether the control proves the check: why not, or else what is to be noted about it. */
function doubtControl(
  check: PlannedCheck,
  record: CheckRecord,
  control: PhaseResult | undefined,
  context: JudgeContext,
): { failed: string | null; note: string | null } {
  const where = { ...context, check: check.name, phase: "control" as const };
  const exemption = exemptionOf(context.table, where);
  const failed = (why: string): { failed: string; note: null } => ({ failed: why, note: null });
  if (control?.status === "passed")
    return failed(
      sentences([
        "its control stayed green: the same check passes when the toolstack skips the reset",
        control.text,
      ]),
    );
  if (control?.status === "failed") {
    const claims = record.evidence?.claims.filter(({ phase }) => phase === "control") ?? [];
    if (claims.length > 0 && claims.every(({ ok }) => ok))
      return failed("its control reports that it failed, but every claim held");
    const surprise = compare(check, "control", control, context);
    return surprise === null ? { failed: null, note: null } : failed(`its control ${surprise}`);
  }
  if (exemption !== null) return { failed: null, note: `not shown: ${whyExempt(exemption)}` };
  if (control?.status === "skipped")
    return failed(sentences(["its control was skipped", control.text]));
  return check.control ? failed(noResult(record, "control")) : { failed: null, note: null };
}

/** What was observed against the table: null if it is as expected there. */
function compare(
  check: PlannedCheck,
  phase: Phase,
  { observed }: PhaseResult,
  { table, version, xen }: JudgeContext,
): string | null {
  const reports = ({ reportedBy }: Difference): boolean =>
    reportedBy.some((one) => one.check === check.name && one.phase === phase);
  for (const [name, found] of observed) {
    const difference = table.differences.find(({ value }) => value === name);
    if (difference === undefined || !reports(difference))
      return `observed ${name} = ${found}, which is not in the table of known differences`;
  }
  for (const difference of table.differences.filter(reports)) {
    const { value, what, reason } = difference;
    const found = observed.get(value);
    if (found === undefined) return `did not report ${value}: ${what}`;
    if (version === null)
      return `observed ${value} = ${found}, but the version of Xen ${xen} is not known`;
    const answer = answerOn(difference, version);
    if (answer === null)
      return `observed ${value} = ${found}, and nothing is known about Xen ${showVersion(version)}`;
    if (found !== answer.expected)
      return (
        `observed ${value} = ${found}, expected ${answer.expected}` +
        `${answer.means === "" ? "" : ` (${answer.means})`} on Xen ${showVersion(version)}: ` +
        `${what} (${reason})`
      );
  }
  return null;
}

function noResult({ end, evidence }: CheckRecord, phase: Phase): string {
  const open = evidence?.claims.findLast((claim) => claim.phase === phase);
  const who = phase === "check" ? "no result" : "its control has no result";
  return sentences([
    `${who}: ${end ?? "no boot reported one"}`,
    open === undefined ? "" : `its last record: ${open.text}`,
  ]);
}

function whyExempt({ reason, source }: Exemption): string {
  return `${reason} (${source})`;
}

function claimText({ text }: Claim): string {
  return `did not hold: ${text}`;
}

function sentences(parts: string[]): string {
  const said = parts.filter((part) => part !== "");
  return said.length === 0 ? "failed without a reason" : said.join("; ");
}
