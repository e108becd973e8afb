/**
 * JSON reports, written, read back and joined. What it shows: the shape that programs rely on; shards that make
 * the same report as one run; everything that does not fit is an error that names the files. Why it matters: CI
 * spreads a run over machines, and a shard that got lost must not look like success. How it would fail: a check
 * that is in no file and in no report either.
 */
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { documentOf, reportOf } from "../../../../src/host/suites/conformance/document.js";
import { exitCodeOfReport } from "../../../../src/host/suites/conformance/exit-code.js";
import { mergeReports, type ReportFile } from "../../../../src/host/suites/conformance/merge.js";
import type { Report, Run, Shard } from "../../../../src/host/report/matrix/model.js";
import { jsonReporter } from "../../../../src/host/suites/conformance/reporters/json.js";
import { shardChecks } from "../../../../src/host/suites/conformance/select.js";
import { AWKWARD_REPORT, planned, report, result, run, sample } from "./samples.js";

const json = (of: Report): string => jsonReporter(of, { colors: false, columns: 80 });

describe("the document", () => {
  test("has this shape", () => {
    const status = z.enum(["passed", "failed", "skipped"]);
    const shape = z.strictObject({
      xen: z.array(z.string()),
      checks: z.array(
        z.strictObject({ name: z.string(), xen: z.string(), status, detail: z.string() }),
      ),
      summary: z.looseObject({
        total: z.literal(90),
        passed: z.literal(84),
        failed: z.literal(5),
        skipped: z.literal(1),
        problems: z.literal(1),
        controls: z.literal(75),
      }),
    });
    const document = shape.parse(JSON.parse(json(sample({ failing: true }))));
    expect(document.xen).toEqual(["4.14", "4.17", "4.20"]);
    expect(document.checks).toHaveLength(90);
    expect(document.checks.find(({ status: one }) => one === "failed")).toEqual({
      name: "who-may/pv-domain",
      xen: "4.14",
      status: "failed",
      detail: "did not hold: XEN_DOMCTL_soft_reset of a PV domain: 0, expected -22 (-EINVAL)",
    });
    expect(Object.keys(JSON.parse(json(sample())) as object)).toEqual(["xen", "checks", "summary"]);
  });

  test.each([
    ["a good one", sample()],
    ["a bad one", sample({ failing: true })],
    ["an awkward one", AWKWARD_REPORT],
    ["an empty one", report([])],
  ])("is read back as it was: %s", (_name, of) => {
    expect(reportOf(json(of), "x.json")).toEqual(JSON.parse(JSON.stringify(of)));
  });

  const edited = (change: (document: ReturnType<typeof documentOf>) => void): string => {
    const document = structuredClone(documentOf(sample()));
    change(document);
    return JSON.stringify(document);
  };

  test.each<[string, string, RegExp]>([
    ["no JSON", "PASSED", /^x\.json is not a report .*: it is not JSON$/],
    ["another document", '{"files": []}', /x\.json is not a report/],
    [
      "of a newer format",
      edited((one) => void Object.assign(one.summary, { format: 2 })),
      /format/,
    ],
    [
      "with a status that is none",
      edited((one) => void Object.assign(one.checks[3] ?? {}, { status: "ok" })),
      /checks\.3\.status/,
    ],
    [
      "with a check turned good",
      edited((one) => void Object.assign(one.checks[3] ?? {}, { status: "skipped" })),
      /its summary does not match its checks/,
    ],
    ["with a check removed", edited((one) => void one.checks.splice(3, 1)), /does not match/],
    [
      "with a check that the summary does not know",
      edited((one) => void Object.assign(one.checks[3] ?? {}, { name: "x/y" })),
      /summary\.runs has nothing about x\/y on 4\.14/,
    ],
  ])("%s is refused", (_name, text, message) => {
    expect(() => reportOf(text, "x.json")).toThrow(message);
  });
});

/** What machine `shard` would have reported of a run. */
function part(of: Report, shard: Shard, labels?: string[]): Report {
  const plan = of.selected.map((name) => planned(name));
  const names = new Set(shardChecks(plan, shard).map(({ name }) => name));
  const runs = of.runs
    .filter(({ label }) => labels?.includes(label) ?? true)
    .map((one): Run => ({ ...one, checks: one.checks.filter(({ name }) => names.has(name)) }));
  return { ...of, runs, shard };
}

const files = (...reports: Report[]): ReportFile[] =>
  reports.map((one, at) => ({ file: `${"abcdefgh".charAt(at)}.json`, report: one }));

describe("shards", () => {
  const whole = sample({ failing: true });

  test("make what one run would have made", () => {
    const merged = mergeReports(
      files(part(whole, { index: 2, of: 2 }), part(whole, { index: 1, of: 2 })),
    );
    expect(merged.shard).toBeNull();
    expect(merged.selected).toEqual(whole.selected);
    expect(merged.runs.map(({ label }) => label)).toEqual(["4.14", "4.17", "4.20"]);
    expect(merged.runs.map(({ checks }) => checks)).toEqual(whole.runs.map(({ checks }) => checks));
    expect(merged.runs[0]).toMatchObject({
      state: whole.runs[0]?.state,
      timeline: whole.runs[0]?.timeline,
      series: whole.runs[0]?.series,
      boots: 4,
      durationMs: 12_400,
    });
    expect(exitCodeOfReport(merged)).toBe(1);
  });

  test("of versions and of checks, as CI's matrix has them; versions come in order", () => {
    const parts = ["4.20", "4.14", "4.17"].flatMap((label) =>
      [3, 1, 2].map((index) => part(whole, { index, of: 3 }, [label])),
    );
    const merged = mergeReports(parts.map((one, at) => ({ file: `part-${at}.json`, report: one })));
    expect(merged.runs.map(({ checks }) => checks)).toEqual(whole.runs.map(({ checks }) => checks));
  });

  test("that ran twice with the same results count once", () => {
    const merged = mergeReports(files(whole, whole));
    expect(merged.runs.map(({ checks }) => checks.length)).toEqual([30, 30, 30]);
  });

  test("keep what no shard was asked for", () => {
    const stranger = result("no/such", "4.14", { status: "failed", detail: "unknown" });
    const odd = structuredClone(whole);
    odd.runs[0]?.checks.push(stranger);
    expect(mergeReports(files(odd)).runs[0]?.checks.at(-1)).toEqual(stranger);
  });

  test("of versions that none could have stay without", () => {
    const lost = { label: "4.14", reason: "gone", excused: true };
    const without = (index: number): Report => ({
      ...part(whole, { index, of: 2 }, ["4.17"]),
      unavailable: [lost],
    });
    const merged = mergeReports(files(without(1), without(2)));
    expect(merged.unavailable).toEqual([lost]);
    expect(merged.runs.map(({ label }) => label)).toEqual(["4.17"]);
  });
});

describe("reports that do not make one:", () => {
  const whole = sample();
  const first = part(whole, { index: 1, of: 2 });
  const second = part(whole, { index: 2, of: 2 });
  const changed = (change: (one: Report) => void): Report => {
    const copy = structuredClone(second);
    change(copy);
    return copy;
  };

  test.each<[string, Report[], string]>([
    [
      "a shard is missing",
      [part(whole, { index: 1, of: 3 }), part(whole, { index: 3, of: 3 })],
      "of Xen 4.14, no file is shard 2/3 (a.json is 1/3, b.json is 3/3)",
    ],
    [
      "a version's shard is missing",
      [first, part(whole, { index: 2, of: 2 }, ["4.14", "4.20"])],
      "of Xen 4.17, no file is shard 2/2 (a.json is 1/2)",
    ],
    [
      "a check has two results",
      [
        whole,
        (() => {
          const copy = structuredClone(whole);
          Object.assign(copy.runs[1]?.checks[4] ?? {}, { status: "failed" });
          return copy;
        })(),
      ],
      "event-channels/mask-bits-survive on Xen 4.17 passed in a.json, and failed in b.json",
    ],
    [
      "they are of other checks",
      [first, changed((one) => one.selected.push("new/check"))],
      "a.json and b.json differ in their checks: new/check is in only one of them",
    ],
    [
      "they are of other builds of Xen",
      [first, changed((one) => void Object.assign(one.runs[2] ?? {}, { debianVersion: "4.20.9" }))],
      "a.json is of Xen 4.20 (Debian 4.20.7+1-g0123456789-0+deb0u1), b.json of Xen 4.20 (Debian 4.20.9)",
    ],
    [
      "they are cut in other ways",
      [first, part(whole, { index: 2, of: 3 })],
      "a.json is one of 2 shards of Xen 4.14, b.json one of 3",
    ],
    [
      "one of them could not have a version",
      [
        first,
        {
          ...part(whole, { index: 2, of: 2 }, ["4.17", "4.20"]),
          unavailable: [{ label: "4.14", reason: "gone", excused: true }],
        },
      ],
      "b.json could not run its part on Xen 4.14, but a.json could: gone",
    ],
    [
      "a shard lacks a check of its own",
      [first, changed((one) => void one.runs[0]?.checks.shift())],
      "on Xen 4.14 is in none of a.json, b.json",
    ],
  ])("%s", (_name, reports, message) => {
    expect(() => mergeReports(files(...reports))).toThrow(message);
    expect(() => mergeReports(files(...reports))).toThrow("these reports do not fit together");
  });
});

describe("the exit code of a report", () => {
  const lost = (excused: boolean) => ({ label: "4.14", reason: "", excused });
  const host = { kind: "host" as const, message: "", log: null };
  const failed = result("a/b", "4.17", { status: "failed" });
  const skipped = result("a/b", "4.17", { status: "skipped" });
  test.each<[string, Report, number]>([
    ["all passed", sample(), 0],
    ["some skipped", report([run("4.17", { checks: [skipped] })]), 0],
    ["one failed", report([run("4.17", { checks: [failed] })]), 1],
    ["a problem", report([run("4.17", { problems: [{ ...host, kind: "drift" }] })]), 1],
    ["trouble on the host", report([run("4.17", { checks: [failed], problems: [host] })]), 122],
    ["a version that was missed", report([run("4.17")], { unavailable: [lost(false)] }), 122],
    ["a version that is gone", report([run("4.17")], { unavailable: [lost(true)] }), 0],
    ["no version at all", report([], { unavailable: [lost(true)] }), 122],
  ])("%s", (_name, of, code) => {
    expect(exitCodeOfReport(of)).toBe(code);
  });
});
