// What is skipped under xl. What it shows: a check says so where it is declared, with a reason, and the other way to
// run is spared nothing. Why it matters: a skipped check that is never examined is one that cannot fail. How it would
// fail: one that is skipped everywhere, or a reason that is none.

import { expect, test } from "vitest";

import {
  EXPECTATIONS,
  exemptionOf,
  reviewExpectations,
} from "../../../../src/host/suites/conformance/expectations.js";
import { expectationsOn } from "../../../../src/host/suites/conformance/expectations-on.js";
import { readPlan } from "../../../../src/host/suites/conformance/plan.js";

const { checks } = await readPlan();
const declared = checks.filter(({ notUnderXl }) => notUnderXl !== null);

test("each has a reason, and the table fits the plan", () => {
  expect(reviewExpectations(expectationsOn("xl", checks), checks)).toEqual([]);
  expect(declared.every(({ notUnderXl }) => (notUnderXl ?? "").length > 20)).toBe(true);
});

test("under xl some are left to run, in both ways the same; under our own toolstack all are", () => {
  const skipped = (on: "domu" | "xl" | "xl-hvm") =>
    checks.filter(
      ({ name: check }) =>
        exemptionOf(expectationsOn(on, checks), { check, phase: "check", on, version: null }) !==
        null,
    ).length;
  expect(skipped("xl")).toBe(declared.length);
  expect(skipped("xl-hvm")).toBe(declared.length);
  expect(checks.length - declared.length).toBeGreaterThan(40);
  expect(skipped("domu")).toBe(0);
  expect(expectationsOn("domu", checks)).toBe(EXPECTATIONS);
});
