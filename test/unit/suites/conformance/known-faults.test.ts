// Known faults. What it shows: which Xen has which, by the branches that were fixed, and what becomes of a result: observed,
// not observed, or fixed. Why it matters: a known-bad hypervisor must neither fail a run nor pass a check. How it
// would fail: a fault that is excused on a Xen that has the fix.

import { describe, expect, test } from "vitest";

import {
  KNOWN_FAULTS,
  faultOf,
  hasFault,
  judgeKnown,
  type KnownFault,
} from "../../../../src/host/suites/conformance/known-faults.js";
import { parseVersion } from "../../../../src/host/suites/conformance/version.js";
import { result } from "./samples.js";

const FAULT: KnownFault = {
  check: "a/check",
  source: "XSA-1",
  what: "it breaks",
  fixedIn: ["4.17.7", "4.19.2", "4.21"],
  certain: false,
};

test.each([
  ["4.14.6", true],
  ["4.17.6", true],
  ["4.17.7", false],
  ["4.18.9", true],
  ["4.19.1", true],
  ["4.19.2", false],
  ["4.20.4", true],
  ["4.21", false],
  ["4.23-unstable", false],
])("Xen %s has it: %s", (version, has) => {
  expect(hasFault(FAULT, parseVersion(version))).toBe(has);
});

test("an unknown version is excused nothing", () => {
  expect(faultOf([FAULT], "a/check", null)).toBeNull();
  expect(faultOf([FAULT], "a/other", parseVersion("4.14"))).toBeNull();
  expect(faultOf([FAULT], "a/check", parseVersion("4.14"))).toBe(FAULT);
});

describe("a result on a Xen that has it", () => {
  test("failed: observed", () => {
    expect(
      judgeKnown(result("a/check", "4.14", { status: "failed", detail: "no" }), FAULT),
    ).toMatchObject({
      status: "skipped",
      detail: "known fault observed: XSA-1, it breaks; no",
    });
  });

  test("passed: not observed, and skipped; one that is certain: fixed, and red", () => {
    expect(judgeKnown(result("a/check", "4.14"), FAULT)).toMatchObject({
      status: "skipped",
      detail: "known fault not observed: XSA-1, it breaks",
    });
    const fixed = judgeKnown(result("a/check", "4.14"), { ...FAULT, certain: true });
    expect(fixed).toMatchObject({
      status: "failed",
      detail: expect.stringContaining("fixed: XSA-1") as unknown,
    });
  });
});

test("the table's versions go up", () => {
  for (const { fixedIn } of KNOWN_FAULTS)
    expect(fixedIn.toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }))).toEqual(
      fixedIn,
    );
});
