// What is skipped under xl. What it shows: every check there is one, is there once and has a reason, and the other way to
// run is spared nothing. Why it matters: a skipped check that nobody has looked at is one that cannot fail. How it would
// fail: a check that was renamed, or one that is skipped everywhere.

import { expect, test } from "vitest";

import {
  EXPECTATIONS,
  exemptionOf,
  reviewExpectations,
} from "../../../../src/host/suites/conformance/expectations.js";
import { expectationsOn } from "../../../../src/host/suites/conformance/expectations-on.js";
import { readPlan } from "../../../../src/host/suites/conformance/plan.js";
import { XL_EXEMPTIONS } from "../../../../src/host/suites/conformance/xl-exemptions.js";

const { checks } = await readPlan();

test("each is a check of the plan, once, with a reason", () => {
  expect(reviewExpectations(expectationsOn("xl"), checks)).toEqual([]);
  const names = XL_EXEMPTIONS.map(({ check }) => check);
  expect(new Set(names).size).toBe(names.length);
  expect(XL_EXEMPTIONS.every(({ reason }) => reason.length > 20)).toBe(true);
});

test("under xl some are left to run, in both ways the same; under our own toolstack all are", () => {
  const skipped = (on: "domu" | "xl" | "xl-hvm") =>
    checks.filter(
      ({ name: check }) =>
        exemptionOf(expectationsOn(on), { check, phase: "check", on, version: null }) !== null,
    ).length;
  expect(skipped("xl")).toBe(XL_EXEMPTIONS.length);
  expect(skipped("xl-hvm")).toBe(XL_EXEMPTIONS.length);
  expect(checks.length - XL_EXEMPTIONS.length).toBeGreaterThan(40);
  expect(skipped("domu")).toBe(0);
  expect(expectationsOn("domu")).toBe(EXPECTATIONS);
});
