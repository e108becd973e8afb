/**
 * Which checks run, where, and on what. What it shows: filters, shards, the spread over boots, versions and their
 * names. Why it matters: a check that is in no shard is silently never run. How it would fail:
 * shards that depend on the machine, a filter that fits nothing and passes.
 */
import { describe, expect, test } from "vitest";
import { UserError } from "../../../../src/host/base/errors.js";
import { ExitCode } from "../../../../src/host/base/exit-codes.js";
import { NotOnMirror } from "../../../../src/host/debian/index.js";
import { batchesOf } from "../../../../src/host/suites/conformance/batches.js";
import {
  EXPECTATIONS,
  answerOn,
  reviewExpectations,
  type Expectations,
} from "../../../../src/host/suites/conformance/expectations.js";
import { readPlan } from "../../../../src/host/suites/conformance/plan.js";
import {
  filterChecks,
  parseShard,
  shardChecks,
} from "../../../../src/host/suites/conformance/select.js";
import {
  isFrom,
  parseVersion,
  showVersion,
} from "../../../../src/host/suites/conformance/version.js";
import { labelXens, provideXens } from "../../../../src/host/suites/conformance/xens.js";
import { planned } from "./samples.js";
import { xen } from "./stand-in.js";

const names = (checks: { name: string }[]): string[] => checks.map(({ name }) => name);
const PLAN = ["ports/rebind", "ports/start-over", "grants/pin", "grants/port"].map((name) =>
  planned(name),
);

describe("filters", () => {
  test.each<[string[], string[]]>([
    [[], ["ports/rebind", "ports/start-over", "grants/pin", "grants/port"]],
    [["port"], ["ports/rebind", "ports/start-over", "grants/port"]],
    [["ports/"], ["ports/rebind", "ports/start-over"]],
    [["port*"], ["ports/rebind", "ports/start-over"]],
    [["*/p*"], ["grants/pin", "grants/port"]],
    [
      ["pin", "rebind"],
      ["ports/rebind", "grants/pin"],
    ],
  ])("%j", (filters, expected) => {
    expect(names(filterChecks(PLAN, filters))).toEqual(expected);
  });

  test.each(["x", "ports.rebind", "rebind*"])("%j fits none: an error", (filter) => {
    expect(() => filterChecks(PLAN, ["pin", filter])).toThrow(
      `no check's name matches "${filter}"`,
    );
  });
});

describe("shards", () => {
  const many = Array.from({ length: 95 }, (_, at) => planned(`area-${at % 7}/check-${at}`));

  test.each([1, 2, 3, 7, 95, 120])("%d of them have every check once, evenly", (of) => {
    const shards = Array.from({ length: of }, (_, at) => shardChecks(many, { index: at + 1, of }));
    expect(names(shards.flat()).toSorted()).toEqual(names(many).toSorted());
    const sizes = shards.map(({ length }) => length);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
  });

  test("do not depend on the order of the plan, but keep it", () => {
    const shard = { index: 2, of: 3 };
    const turned = shardChecks(many.toReversed(), shard);
    expect(names(turned)).toEqual(names(shardChecks(many, shard)).toReversed());
  });

  test("keep a group together, and take about as long as one another", () => {
    const grouped = many.map((check, at) => ({
      ...check,
      group: `group-${at % 20}`,
      costMs: at % 20 === 0 ? 900 : 100,
    }));
    const shards = [1, 2, 3].map((index) => shardChecks(grouped, { index, of: 3 }));
    for (const { group } of grouped)
      expect(shards.filter((one) => one.some((check) => check.group === group))).toHaveLength(1);
    const costs = shards.map((one) => one.reduce((sum, { costMs = 0 }) => sum + costMs, 0));
    expect(Math.max(...costs) - Math.min(...costs)).toBeLessThan(1000);
    expect(names(shards.flat()).toSorted()).toEqual(names(many).toSorted());
  });

  test.each([
    ["1/1", { index: 1, of: 1 }],
    ["2/3", { index: 2, of: 3 }],
    ["0/3", null],
    ["4/3", null],
    ["1/0", null],
    ["1", null],
    ["-1/3", null],
    ["1/3/5", null],
    ["a/b", null],
  ])("%j", (text, expected) => {
    expect(parseShard(text)).toEqual(expected);
  });
});

describe("boots", () => {
  const many = Array.from({ length: 90 }, (_, at) => planned(`a/${at}`, { costMs: 200 }));
  const sizes = (of: ReturnType<typeof batchesOf>): number[] => of.map(({ length }) => length);

  test("have every check once, in the plan's order", () => {
    const batches = batchesOf(many, { jobs: 4, versions: 1 });
    expect(batches.length).toBe(8);
    expect(new Set(names(batches.flat())).size).toBe(90);
    for (const batch of batches)
      expect(batch.map((check) => many.indexOf(check))).toEqual(
        batch.map((check) => many.indexOf(check)).toSorted((a, b) => a - b),
      );
  });

  test.each([
    ["one job needs one", 1, 1, 1],
    ["many versions need fewer each", 2, 3, 2],
    ["never more than is worth a boot", 64, 1, 12],
  ])("%s", (_name, jobs, versions, expected) => {
    expect(batchesOf(many, { jobs, versions }).length).toBe(expected);
  });

  test("a long check has one to itself", () => {
    const long = planned("z/endurance", { costMs: 20_000 });
    const [first, ...others] = batchesOf([...many, long], { jobs: 2, versions: 1 });
    expect(names(first ?? [])).toEqual(["z/endurance"]);
    expect(sizes(others)).toEqual([30, 30, 30]);
  });

  test("no checks, no boots", () => {
    expect(batchesOf([], { jobs: 2, versions: 1 })).toEqual([]);
  });
});

describe("versions", () => {
  test.each([
    ["4.17", "4.17"],
    ["4.17.7+13-g2445b30a44-0+deb12u1", "4.17.7"],
    ["4.21-unstable", "4.21"],
    ["4.14.6-1", "4.14.6"],
  ])("%j is %s", (text, shown) => {
    const version = parseVersion(text);
    expect(version && showVersion(version)).toBe(shown);
  });

  test.each(["", "unknown", "v4.17", "4", "xen-4.17"])("%j is none", (text) => {
    expect(parseVersion(text)).toBeNull();
  });

  test.each([
    ["4.17", "4.17", true],
    ["4.17.1", "4.17", true],
    ["4.17", "4.17.1", false],
    ["4.9", "4.14", false],
    ["4.20", "4.7", true],
    ["5.0", "4.20", true],
  ])("%s is from %s on: %s", (version, from, expected) => {
    const [a, b] = [parseVersion(version), parseVersion(from)];
    expect(a && b && isFrom(a, b)).toBe(expected);
  });
});

describe("the table of differences", () => {
  test("fits the list of checks", async () => {
    const { checks } = await readPlan();
    expect(reviewExpectations(EXPECTATIONS, checks)).toEqual([]);
  });

  test("has a reason for everything, and a commit for every change", () => {
    for (const { what, reason, answers } of EXPECTATIONS.differences) {
      expect(what && reason).not.toBe("");
      expect(answers.length).toBeGreaterThan(1);
      expect(answers.filter(({ from, commit }) => from !== "4.16" && commit === null)).toHaveLength(
        1,
      );
    }
    for (const { reason, source } of EXPECTATIONS.exemptions) expect(reason && source).not.toBe("");
  });

  // A fix that went into stable branches, too: not a matter of newer or older.
  test.each([
    ["4.14.6", "dirty"],
    ["4.15.5", "clean"],
    ["4.16", "dirty"],
    ["4.16.2", "dirty"],
    ["4.16.3", "clean"],
    ["4.17.7", "clean"],
    ["4.20.3", "clean"],
  ])("knows Xen %s", (text, expected) => {
    const version = parseVersion(text) ?? { major: 0, minor: 0, patch: 0 };
    const difference = EXPECTATIONS.differences.find(
      ({ value }) => value === "time-area-by-virtual-address",
    );
    expect(difference && answerOn(difference, version)?.expected).toBe(expected);
  });

  const answer = (from: string) => ({ from, expected: "0", means: "", commit: null });
  const difference = (more: Partial<Expectations["differences"][number]> = {}) => ({
    value: "v",
    what: "",
    answers: [answer("4.7")],
    reason: "",
    reportedBy: [{ check: "a/b", phase: "check" as const }],
    ...more,
  });
  const exemption = (more: Partial<Expectations["exemptions"][number]> = {}) => ({
    check: "a/b",
    phase: "check" as const,
    on: null,
    from: null,
    before: null,
    reason: "",
    source: "",
    ...more,
  });

  test.each<[Partial<Expectations>, RegExp]>([
    [{ differences: [difference(), difference()] }, /v appears twice/],
    [{ differences: [difference({ reportedBy: [] })] }, /reported by no check/],
    [
      { differences: [difference({ reportedBy: [{ check: "x/y", phase: "check" }] })] },
      /names x\/y, which does not exist/,
    ],
    [
      { differences: [difference({ reportedBy: [{ check: "a/b", phase: "control" }] })] },
      /the control of a\/b, which has none/,
    ],
    [{ differences: [difference({ answers: [answer("new")] })] }, /an invalid version/],
    [
      { differences: [difference({ answers: [answer("4.18"), answer("4.7")] })] },
      /from the oldest on/,
    ],
    [{ exemptions: [exemption({ check: "x/y" })] }, /exemption of x\/y names x\/y/],
    [{ exemptions: [exemption({ before: "soon" })] }, /an invalid version: soon/],
  ])("control: %j is found", (wrong, message) => {
    const table = { differences: [], exemptions: [], faults: [], ...wrong };
    expect(reviewExpectations(table, [planned("a/b")]).join("\n")).toMatch(message);
  });
});

describe("which versions of Xen", () => {
  const labels = (...texts: string[]): string[] => labelXens(texts).map(({ label }) => label);

  test.each<[string[], string[]]>([
    [[], ["4.14", "4.17", "4.20"]],
    [
      ["4.20", "4.14", "4.20"],
      ["4.20", "4.14"],
    ],
    [["./build/xen-4.21d"], ["xen-4.21d"]],
    [
      ["a/xen", "b/xen"],
      ["a/xen", "b/xen"],
    ],
    [
      ["4.17", "other/4.17"],
      ["4.17", "other/4.17"],
    ],
    [["other/4.17"], ["other/4.17"]],
  ])("%j", (texts, expected) => {
    expect(labels(...texts)).toEqual(expected);
  });

  const provide = async (errors: Record<string, Error>, named: boolean) => {
    const said: string[] = [];
    const provided = await provideXens(labelXens(["4.14", "4.17"]), {
      provide: (text) =>
        errors[text] === undefined ? Promise.resolve(xen(text)) : Promise.reject(errors[text]),
      named,
      say: (line) => said.push(line),
    });
    return { ...provided, said };
  };
  const gone = new NotOnMirror("Debian bullseye: not on the mirror", { exitCode: ExitCode.HOST });
  const offline = new UserError("cannot reach the mirror", { exitCode: ExitCode.HOST });

  test.each([
    ["gone from the mirror, unnamed", gone, false, true],
    ["gone from the mirror, named", gone, true, false],
    ["not to be had for now", offline, false, false],
  ])("%s: one line, and the others go on", async (_name, error, named, excused) => {
    const { xens, unavailable, said } = await provide({ "4.14": error }, named);
    expect(xens.map(({ label }) => label)).toEqual(["4.17"]);
    expect(unavailable).toEqual([{ label: "4.14", reason: error.message, excused }]);
    expect(said).toEqual([`Xen 4.14 is skipped: ${error.message}`]);
  });

  test("a file that is no Xen is bad usage", async () => {
    await expect(provide({ "4.14": new UserError("no Xen") }, true)).rejects.toThrow("no Xen");
  });
});
