/**
 * From what was said about a check to its result. What it shows: passed takes a result, claims that held, a
 * control that went red, and every known difference as the table has it. Why it matters: a suite that passes
 * without its controls shows nothing. How it would fail: any row below that is "passed".
 */
import { describe, expect, test } from "vitest";
import type { Expectations } from "../../../../src/host/suites/conformance/expectations.js";
import {
  judge,
  judgeUnexpected,
  notRun,
  type JudgeContext,
} from "../../../../src/host/suites/conformance/judge.js";
import type { Claim } from "../../../../src/host/report/matrix/model.js";
import type { PlannedCheck } from "../../../../src/host/suites/conformance/planned-check.js";
import type { Evidence, PhaseResult } from "../../../../src/host/suites/conformance/records.js";
import { parseVersion } from "../../../../src/host/suites/conformance/version.js";
import { planned } from "./samples.js";
import { NOTHING_KNOWN } from "./stand-in.js";

const PLAIN = planned("a/plain");
const CONTROLLED = planned("a/controlled", { control: true });

const TABLE: Expectations = {
  faults: [],
  differences: [
    {
      value: "again",
      what: "a second one",
      answers: [
        { from: "4.7", expected: "-22", means: "-EINVAL", commit: null },
        { from: "4.18", expected: "-16", means: "-EBUSY", commit: "0123456789" },
      ],
      reason: "it was changed",
      reportedBy: [
        { check: "a/plain", phase: "check" },
        { check: "a/controlled", phase: "control" },
      ],
    },
  ],
  exemptions: [
    {
      check: "a/controlled",
      phase: "control",
      on: null,
      from: "4.20",
      before: null,
      reason: "no control there",
      source: "0123456789",
    },
    {
      check: "a/new",
      phase: "check",
      on: ["domu"],
      from: null,
      before: "4.18",
      reason: "it came with 4.18",
      source: "0123456789",
    },
  ],
};

const context = (version: string | null, table: Expectations = NOTHING_KNOWN): JudgeContext => ({
  xen: version ?? "mine",
  on: "domu",
  version: parseVersion(version),
  table,
});

const said = (
  status: PhaseResult["status"],
  more: { text?: string; observed?: Record<string, string> } = {},
): PhaseResult => ({
  status,
  text: more.text ?? "",
  observed: new Map(Object.entries(more.observed ?? {})),
  durationMs: 5,
});

function evidence(
  check: PhaseResult | null,
  control: PhaseResult | null = null,
  more: { claims?: Claim[]; faults?: string[] } = {},
): Evidence {
  const phases: Evidence["phases"] = new Map();
  if (check !== null) phases.set("check", check);
  if (control !== null) phases.set("control", control);
  return { phases, claims: more.claims ?? [], faults: more.faults ?? [] };
}

const verdict = (
  check: PlannedCheck,
  of: Evidence | null,
  at: JudgeContext = context("4.17.7"),
  end: string | null = null,
): ReturnType<typeof judge> => judge(check, { evidence: of, end, log: "/log" }, at);

const claim = (ok: boolean, phase: Claim["phase"] = "check"): Claim => ({
  phase,
  ok,
  text: `x: ${ok ? "1" : "2"}, expected 1`,
});

describe("passed", () => {
  test("with what was seen, and its time", () => {
    expect(verdict(PLAIN, evidence(said("passed", { text: "seen" })))).toMatchObject({
      status: "passed",
      detail: "seen",
      control: "none",
      durationMs: 5,
      log: "/log",
    });
  });

  test("with a control that went red, whose claims did not hold", () => {
    const of = evidence(said("passed"), said("failed", { text: "still bound" }), {
      claims: [claim(true), claim(false, "control")],
    });
    expect(verdict(CONTROLLED, of)).toMatchObject({
      status: "passed",
      control: "red",
      controlDetail: "still bound",
      durationMs: 10,
    });
  });
});

describe("skipped", () => {
  test("by the guest, with a reason", () => {
    const of = evidence(said("skipped", { text: "no such hypercall" }));
    expect(verdict(CONTROLLED, of)).toMatchObject({
      status: "skipped",
      detail: "no such hypercall",
    });
  });

  test("by the table, before it is run, on those versions alone", () => {
    const check = planned("a/new");
    expect(notRun(check, context("4.17.7", TABLE))).toMatchObject({
      status: "skipped",
      detail: "it came with 4.18 (0123456789)",
    });
    expect(notRun(check, context("4.18", TABLE))).toBeNull();
    expect(notRun(PLAIN, context("4.17.7", TABLE))).toBeNull();
  });

  test("a version that nobody can tell is spared nothing", () => {
    expect(notRun(planned("a/new"), context(null, TABLE))).toBeNull();
  });
});

describe("failed:", () => {
  const green = "its control stayed green";
  test.each<[string, PlannedCheck, Evidence | null, string]>([
    ["nothing was said", PLAIN, null, "no result: no boot reported one"],
    ["only its control was said", CONTROLLED, evidence(null, said("failed")), "no result"],
    ["it says so", PLAIN, evidence(said("failed", { text: "why" })), "why"],
    ["it says so without a word", PLAIN, evidence(said("failed")), "failed without a reason"],
    [
      "it says so, and by which claim",
      PLAIN,
      evidence(said("failed", { text: "why" }), null, { claims: [claim(true), claim(false)] }),
      "why; did not hold: x: 2, expected 1",
    ],
    [
      "it says passed against its own claim",
      PLAIN,
      evidence(said("passed"), null, { claims: [claim(false)] }),
      "reports that it passed, but did not hold: x: 2, expected 1",
    ],
    [
      "it says skipped against its own claim",
      PLAIN,
      evidence(said("skipped", { text: "why" }), null, { claims: [claim(false)] }),
      "reports that it skipped, but did not hold",
    ],
    ["it was skipped, nobody says why", PLAIN, evidence(said("skipped")), "without a reason"],
    [
      "its records contradict each other",
      PLAIN,
      evidence(said("passed"), null, { faults: ["came twice"] }),
      "came twice",
    ],
    ["its control is missing", CONTROLLED, evidence(said("passed")), "its control has no result"],
    ["its control stayed green", CONTROLLED, evidence(said("passed"), said("passed")), green],
    [
      "a control that nobody announced is green",
      PLAIN,
      evidence(said("passed"), said("passed")),
      green,
    ],
    [
      "its control was skipped",
      CONTROLLED,
      evidence(said("passed"), said("skipped", { text: "too slow" })),
      "its control was skipped; too slow",
    ],
    [
      "its control failed, but all its claims held",
      CONTROLLED,
      evidence(said("passed"), said("failed"), { claims: [claim(true, "control")] }),
      "its control reports that it failed, but every claim held",
    ],
  ])("%s", (_name, check, of, detail) => {
    const result = verdict(check, of);
    expect(result.status).toBe("failed");
    expect(result.detail).toContain(detail);
  });

  test("no result, with how its boot ended and the last thing that it said", () => {
    const of = evidence(null, null, { claims: [claim(true)] });
    expect(verdict(PLAIN, of, context("4.17.7"), "the guest trapped").detail).toBe(
      "no result: the guest trapped; its last record: x: 1, expected 1",
    );
  });

  test("a green control shows as such", () => {
    expect(verdict(CONTROLLED, evidence(said("passed"), said("passed"))).control).toBe("green");
  });
});

describe("a known difference", () => {
  const at = (version: string | null, observed: Record<string, string>) =>
    verdict(PLAIN, evidence(said("passed", { observed })), context(version, TABLE));

  test.each([
    ["4.14.6", "-22"],
    ["4.17.7", "-22"],
    ["4.18.0", "-16"],
    ["4.20.3", "-16"],
    ["4.21", "-16"],
  ])("on %s is as expected", (version, again) => {
    expect(at(version, { again })).toMatchObject({ status: "passed" });
  });

  test.each<[string | null, Record<string, string>, string]>([
    ["4.17.7", { again: "-16" }, "observed again = -16, expected -22 (-EINVAL) on Xen 4.17.7"],
    ["4.20.3", { again: "-22" }, "observed again = -22, expected -16 (-EBUSY) on Xen 4.20.3"],
    ["4.20.3", { again: "0" }, "observed again = 0, expected -16"],
    ["4.20.3", {}, "did not report again: a second one"],
    ["4.20.3", { again: "-16", more: "1" }, "observed more = 1, which is not in the table"],
    ["4.6.1", { again: "-22" }, "nothing is known about Xen 4.6.1"],
    [null, { again: "-22" }, "the version of Xen mine is not known"],
  ])("on %s, %j fails", (version, observed, detail) => {
    const result = at(version, observed);
    expect(result.status).toBe("failed");
    expect(result.detail).toContain(detail);
  });

  test("is looked for in the control, too, where the table says so", () => {
    const control = (observed: Record<string, string>) =>
      verdict(
        CONTROLLED,
        evidence(said("passed"), said("failed", { observed })),
        context("4.17.7", TABLE),
      );
    expect(control({ again: "-22" })).toMatchObject({ status: "passed", control: "red" });
    expect(control({ again: "-16" })).toMatchObject({
      status: "failed",
      detail: expect.stringContaining("its control observed again = -16") as unknown,
    });
    expect(control({}).status).toBe("failed");
  });

  test("that another check reports is an unknown one", () => {
    const of = evidence(said("passed", { observed: { again: "-22" } }));
    const result = verdict(planned("a/other"), of, context("4.17.7", TABLE));
    expect(result.detail).toContain("which is not in the table of known differences");
  });
});

test("a control that cannot be had there is noted, and the check passes without it", () => {
  const of = evidence(said("passed"));
  expect(verdict(CONTROLLED, of, context("4.20.3", TABLE))).toMatchObject({
    status: "passed",
    control: "none",
    controlDetail: "not shown: no control there (0123456789)",
  });
  expect(verdict(CONTROLLED, of, context("4.17.7", TABLE)).status).toBe("failed");
  const green = evidence(said("passed"), said("passed"));
  expect(verdict(CONTROLLED, green, context("4.20.3", TABLE)).status).toBe("failed");
});

test("an unexpected result fails under its own name", () => {
  const at = context("4.17.7");
  expect(
    judgeUnexpected({ name: "x/y", known: false, status: "passed" }, "/log", at),
  ).toMatchObject({
    name: "x/y",
    status: "failed",
    detail: "a boot reports that it passed, but there is no such check",
    log: "/log",
  });
  expect(judgeUnexpected({ name: "x/y", known: true, status: "passed" }, null, at).detail).toBe(
    "a boot that was not asked to run it reports that it passed",
  );
});
