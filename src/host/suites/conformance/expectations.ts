/**
 * The one table of what is known to differ between versions of Xen, and of what cannot be
 * shown on one. Whatever differs and is not here makes a check fail.
 *
 * A check whose outcome depends on the version does not judge it: it reports what it saw
 * as `observed=` (src/host/suites/conformance/records.ts), and it is compared here. docs/soft-reset.md
 * prints this table (test/unit/docs/soft-reset.test.ts).
 */
import { KNOWN_FAULTS, type KnownFault } from "./known-faults.js";
import type { Phase, Way } from "../../report/matrix/model.js";
import type { PlannedCheck } from "./planned-check.js";
import { isFrom, parseVersion, type XenVersion } from "./version.js";

/** What Xen answers from a version on. */
export interface Answer {
  /** "4.18", "4.16.3": up to the next entry's version. */
  from: string;
  /** As a check reports it: a number as Xen gave it, or a word. */
  expected: string;
  /** What that is: "-EBUSY". Empty if `expected` tells. */
  means: string;
  /** The commit that brought it; null for the oldest that is known. */
  commit: string | null;
}

/** A value that depends on the version. */
export interface Difference {
  /** The name that `observed=` gives; a check's own name where it reports a bare value. */
  value: string;
  /** What is observed, in one sentence. */
  what: string;
  /** Oldest first. */
  answers: readonly Answer[];
  /** Why it differs. */
  reason: string;
  /** Which checks report it. One that does not is a failure, and so is another one that does. */
  reportedBy: readonly { check: string; phase: Phase }[];
}

/** A check, or its control, that cannot be shown: it is skipped and counted, never passed. */
export interface Exemption {
  check: string;
  /** `control`: the check itself runs, without the proof that its control is. */
  phase: Phase;
  /** Null: on every way to run. */
  on: readonly Way[] | null;
  /** From `from` on, and before `before`; null: no limit. */
  from: string | null;
  before: string | null;
  reason: string;
  /** The commit, or where it was read. */
  source: string;
}

export interface Expectations {
  differences: readonly Difference[];
  exemptions: readonly Exemption[];
  /** Known faults: known-faults.ts. */
  faults: readonly KnownFault[];
}

export const EXPECTATIONS: Expectations = {
  faults: KNOWN_FAULTS,
  differences: [
    {
      value: "vcpu-info-again",
      what: "a second VCPUOP_register_vcpu_info of the same vCPU, without a reset between",
      answers: [
        { from: "4.7", expected: "-22", means: "-EINVAL", commit: null },
        { from: "4.18", expected: "-16", means: "-EBUSY", commit: "295514ff75" },
      ],
      reason:
        "vcpu_info is registered by map_guest_area(), which returns -EBUSY for an area in use",
      reportedBy: [{ check: "vcpu-info/registered-again", phase: "control" }],
    },
    {
      value: "vcpu-info-of-others",
      what:
        "VCPUOP_register_vcpu_info of another vCPU after the reset: first while it runs, then " +
        "while it is down",
      answers: [
        { from: "4.7", expected: "-22/0", means: "-EINVAL, then 0", commit: null },
        { from: "4.18", expected: "0/-16", means: "0, then -EBUSY", commit: "295514ff75" },
      ],
      reason: "Xen pauses the other vCPU itself; before, that vCPU had to be down",
      reportedBy: [{ check: "vcpu-info/other-vcpu", phase: "check" }],
    },
    {
      value: "time-area-by-virtual-address",
      what:
        "whether Xen, after the reset, still writes to an area registered before it by " +
        "VCPUOP_register_vcpu_time_memory_area (dirty) or not (clean)",
      answers: [
        { from: "4.7", expected: "dirty", means: "", commit: null },
        { from: "4.15.4", expected: "clean", means: "", commit: "9b8b65c827" },
        { from: "4.16", expected: "dirty", means: "", commit: null },
        { from: "4.16.3", expected: "clean", means: "", commit: "aac1085090" },
        { from: "4.17", expected: "clean", means: "", commit: "b80d4f8d2e" },
      ],
      reason: "arch_domain_soft_reset() unregisters it since 4.17 and in two stable branches",
      reportedBy: [
        { check: "stays-dirty/time-area", phase: "check" },
        { check: "other-vcpus/time-by-virtual-address", phase: "check" },
      ],
    },
    {
      value: "poll-unusable-port",
      what: "SCHEDOP_poll of a free port: refused, or treated as not pending",
      answers: [
        { from: "4.7", expected: "0", means: "0: not pending", commit: null },
        { from: "4.15", expected: "-22", means: "-EINVAL", commit: "d4bfa0c78f" },
      ],
      reason: "do_poll() checks that the port is usable, not only that it is allocated",
      reportedBy: [{ check: "sched/poll-unusable-port", phase: "check" }],
    },
    {
      value: "watchdog-message",
      what: "the timer that Xen names in its message when the guest's watchdog 2 has fired",
      answers: [
        {
          from: "4.7",
          expected: "unnamed",
          means: "none",
          commit: null,
        },
        {
          from: "4.21",
          expected: "timer 1",
          means: "1, counted from 0",
          commit: "9a474fccec",
        },
      ],
      reason: "domain_watchdog_timeout() is passed the timer",
      reportedBy: [{ check: "sched/watchdog-message", phase: "check" }],
    },
  ],
  exemptions: [
    ...["vcpu-areas", "other-vcpus"].flatMap((area) => [
      {
        check: `${area}/runstate-by-physical-address`,
        phase: "check" as const,
        on: null,
        from: null,
        before: "4.18",
        reason: "VCPUOP_register_runstate_phys_area was added in 4.18",
        source: "d5df44275e",
      },
      {
        check: `${area}/time-by-physical-address`,
        phase: "check" as const,
        on: null,
        from: null,
        before: "4.18",
        reason: "VCPUOP_register_vcpu_time_phys_area was added in 4.18",
        source: "60e544a8c5",
      },
    ]),
  ],
};

/** What is expected of that Xen; null where the table begins later. */
export function answerOn(difference: Difference, version: XenVersion): Answer | null {
  const known = difference.answers.filter(({ from }) => isFrom(version, required(from)));
  return known.at(-1) ?? null;
}

/** The reason why that cannot be shown on that Xen; null if it can. An unknown version is spared nothing. */
export function exemptionOf(
  table: Expectations,
  where: { check: string; phase: Phase; on: Way; version: XenVersion | null },
): Exemption | null {
  const { check, phase, on, version } = where;
  const within = ({ from, before }: Exemption): boolean => {
    if (from === null && before === null) return true;
    if (version === null) return false;
    return (
      (from === null || isFrom(version, required(from))) &&
      (before === null || !isFrom(version, required(before)))
    );
  };
  const found = table.exemptions.find(
    (one) =>
      one.check === check && one.phase === phase && (one.on?.includes(on) ?? true) && within(one),
  );
  return found ?? null;
}

/** What is wrong with a table, given all checks that there are; one sentence each. */
export function reviewExpectations(table: Expectations, plan: readonly PlannedCheck[]): string[] {
  const findings: string[] = [];
  const named = (where: string, check: string, phase: Phase): void => {
    const planned = plan.find(({ name }) => name === check);
    if (planned === undefined) findings.push(`${where} names ${check}, which does not exist`);
    else if (phase === "control" && !planned.control)
      findings.push(`${where} names the control of ${check}, which has none`);
  };
  const values = new Set<string>();
  for (const { value, answers, reportedBy } of table.differences) {
    const where = `the difference ${value}`;
    if (values.has(value)) findings.push(`${where} appears twice`);
    values.add(value);
    if (reportedBy.length === 0) findings.push(`${where} is reported by no check`);
    for (const { check, phase } of reportedBy) named(where, check, phase);
    const froms = answers.map(({ from }) => parseVersion(from));
    for (const [index, from] of froms.entries()) {
      const before = froms[index - 1];
      if (from === null) findings.push(`${where} has an invalid version`);
      else if (before !== undefined && before !== null && isFrom(before, from))
        findings.push(`${where} does not list its versions from the oldest on`);
    }
  }
  for (const { check, source } of table.faults) named(`the known fault ${source}`, check, "check");
  for (const { check, phase, from, before } of table.exemptions) {
    const where = `the exemption of ${check}`;
    named(where, check, phase);
    for (const version of [from, before])
      if (version !== null && parseVersion(version) === null)
        findings.push(`${where} has an invalid version: ${version}`);
  }
  return findings;
}

function required(text: string): XenVersion {
  const version = parseVersion(text);
  if (version === null) throw new Error(`the table of differences has the version ${text}`);
  return version;
}
