/**
 * The reports, read back by independent parsers. Why it matters: a CI server that cannot read a
 * report shows no failure. How it would fail: a name that ends a TAP point or an XML attribute early, a
 * character that XML cannot hold, a failure that the format counts as none.
 */
import { SaxesParser } from "saxes";
import { Parser as TapParser } from "tap-parser";
import { describe, expect, test } from "vitest";
import { count, fileFailed, testsOf } from "../../../../src/host/suites/guest-tests/model.js";
import {
  REPORTERS,
  type ReporterName,
} from "../../../../src/host/suites/guest-tests/reporters/index.js";
import type { RunResult } from "../../../../src/host/suites/guest-tests/model.js";
import { AWKWARD, failedTest, fileResult, GOOD, MIXED, testResult } from "./results.js";

function report(name: ReporterName, result: RunResult, colors = false): string {
  const reporter = REPORTERS[name]({
    colors,
    source: ({ line }) => `source line ${line}`,
  });
  return result.files.map((file) => reporter.file(file)).join("") + reporter.end(result);
}

describe("the model", () => {
  test("counts", () => {
    expect(count(MIXED.files)).toEqual({
      passed: 2,
      failed: 3,
      notRun: 1,
      skipped: 1,
      todo: 1,
      assertions: 10,
      files: 2,
      failedFiles: 1,
    });
  });

  test("a file has failed by a test or by a problem, not by what was skipped", () => {
    const skipped = [testResult("x", { status: "skipped" }), testResult("y", { status: "todo" })];
    expect(fileFailed(fileResult({ children: skipped }))).toBe(false);
    const notRun = [testResult("x", { status: "not-run" })];
    expect(fileFailed(fileResult({ children: notRun }))).toBe(true);
    const problem = { kind: "records" as const, message: "", details: [] };
    expect(fileFailed(fileResult({ problem }))).toBe(true);
  });
});

describe("TAP", () => {
  interface Point {
    ok: boolean;
    name: string;
    fullname: string;
    skip: boolean | string;
    todo: boolean | string;
    diag: Record<string, unknown> | null;
  }

  /** The last level's points, and what the parser makes of all. */
  function parse(text: string) {
    const points: Point[] = [];
    const garbage: string[] = [];
    const listen = (parser: TapParser): void => {
      parser.on("child", listen);
      parser.on("extra", (line: string) => garbage.push(line));
      parser.on("assert", (point: Point & { name: string }) => points.push(point));
    };
    let ok = false;
    let failures: unknown[] = [];
    const parser = new TapParser({ strict: true }, (results) => {
      ok = results.ok;
      failures = results.failures.filter(({ tapError }) => tapError !== null);
    });
    listen(parser);
    parser.end(text);
    return { points, garbage, ok, failures };
  }

  test("a good run is ok, a mixed one is not; both are strictly TAP", () => {
    for (const [result, good] of [
      [GOOD, true],
      [MIXED, false],
    ] as const) {
      const { ok, garbage, failures } = parse(report("tap", result));
      expect({ ok, garbage, failures }).toEqual({ ok: good, garbage: [], failures: [] });
    }
  });

  test("each test is a point that says what became of it", () => {
    const { points } = parse(report("tap", MIXED));
    const tests = points.filter(({ name }) => !/^(g |good|bad)/.test(name));
    expect(tests.map(({ name, ok, skip, todo }) => [name.slice(0, 8), ok, !!skip, !!todo])).toEqual(
      [
        ["passes", true, false, false],
        ["t <a hre", true, false, false],
        ["fails", false, false, false],
        ["crashes", false, false, false],
        ["hangs", false, false, false],
        ["never", false, false, false],
        ["not here", true, true, false],
        ["later", false, false, true],
        ["(crash) ", false, false, false],
      ],
    );
  });

  test("a failure has its values and its place, whatever they are", () => {
    const { points } = parse(report("tap", MIXED));
    expect(points.find(({ name }) => name === "fails")?.diag).toMatchObject({
      severity: "fail",
      at: { file: "dir/a.ts", line: 7 },
      wanted: '"a"',
      found: AWKWARD.replace("\ud800", "\ufffd"),
    });
    expect(points.find(({ name }) => name === "crashes")?.diag).toMatchObject({
      severity: "crashed",
      backtrace: ["f (a.ts:1)"],
      output: ["last words", AWKWARD.replace("\ud800", "\ufffd")],
    });
  });

  test("a name comes back as it was, but for what cannot be on a line", () => {
    const { points } = parse(report("tap", MIXED));
    const name = points.find((point) => point.name.startsWith("t <a"))?.name ?? "";
    expect(name).toContain('t <a href="x">&amp; ]]> \\x00\\x07\\x1b[31mred');
    expect(name).toContain("# SKIP");
    expect(name).toContain("ünï 😀");
  });

  test("the control: unescaped, that name is read as a skip", () => {
    const { points } = parse("TAP version 14\n1..1\nok 1 - a # SKIP x\n");
    expect(points[0]?.skip).toBe("x");
  });
});

describe("JUnit", () => {
  interface Element {
    name: string;
    attributes: Record<string, string>;
    text: string;
    children: Element[];
  }

  function parse(text: string): Element {
    const root: Element = { name: "", attributes: {}, text: "", children: [] };
    const open = [root];
    const parser = new SaxesParser();
    parser.on("error", (error) => {
      throw error;
    });
    parser.on("opentag", ({ name, attributes }) => {
      const element: Element = { name, attributes, text: "", children: [] };
      open.at(-1)?.children.push(element);
      open.push(element);
    });
    parser.on("text", (part) => {
      const element = open.at(-1);
      if (element !== undefined) element.text += part;
    });
    parser.on("closetag", () => void open.pop());
    parser.write(Buffer.from(text, "utf8").toString("utf8")).close();
    return root.children[0] ?? root;
  }

  test("is well-formed, with sums that are right", () => {
    const suites = parse(report("junit", MIXED));
    expect(suites).toMatchObject({
      name: "testsuites",
      attributes: { tests: "9", failures: "1", errors: "4", time: "4.200" },
      children: [
        { name: "testsuite", attributes: { name: "good.ts", tests: "1", failures: "0" } },
        { name: "testsuite", attributes: { tests: "8", failures: "1", errors: "4" } },
      ],
    });
    for (const suite of suites.children) {
      const cases = suite.children.filter(({ name }) => name === "testcase");
      const having = (what: string) =>
        cases.filter(({ children }) => children.some(({ name }) => name === what)).length;
      expect(suite.attributes).toMatchObject({
        tests: String(cases.length),
        failures: String(having("failure")),
        errors: String(having("error")),
        skipped: String(having("skipped")),
      });
    }
  });

  // junit-10.xsd of Jenkins' xUnit plugin, by hand: nothing that it does not know, and where it wants it.
  test("Jenkins' schema: attributes, and what a suite says of its machine", () => {
    const suites = parse(report("junit", MIXED));
    const known: Record<string, string> = {
      testsuites: "name time tests failures errors",
      testsuite:
        "name tests failures errors group time skipped timestamp hostname id package file log url",
      testcase: "name time classname group",
      properties: "",
      property: "name value",
      failure: "type message",
      error: "type message",
      skipped: "type message",
      "system-out": "",
    };
    const check = (element: typeof suites): void => {
      const names = known[element.name]?.split(" ");
      expect(names, element.name).toBeDefined();
      for (const name of Object.keys(element.attributes)) expect(names).toContain(name);
      for (const child of element.children) check(child);
    };
    check(suites);
    for (const { attributes, children } of suites.children) {
      expect(attributes).toMatchObject({ timestamp: MIXED.machine?.began, hostname: "here" });
      const properties = children.find(({ name }) => name === "properties")?.children ?? [];
      expect(properties.map((one) => [one.attributes["name"], one.attributes["value"]])).toEqual([
        ["xen", MIXED.xen],
        ["qemu", "7.2.22"],
      ]);
    }
  });

  test("a failure has its values and its place", () => {
    const cases = parse(report("junit", MIXED)).children[1]?.children ?? [];
    const failed = cases.find(({ attributes }) => attributes["name"]?.endsWith("› fails"));
    expect(failed?.attributes).toMatchObject({ time: "0.001" });
    expect(failed?.children[0]).toMatchObject({ name: "failure", attributes: { type: "failed" } });
    expect(failed?.children[0]?.text).toContain("at dir/a.ts:7");
    expect(failed?.children[0]?.text).toContain('expected "a"\n  actual   <a href="x">&amp; ]]>');
  });

  test("what XML cannot hold is spelt out, the rest comes back as it was", () => {
    const suite = parse(report("junit", MIXED)).children[1];
    const expected = AWKWARD.replace(/[\0\x07\x1b]/g, (c) => {
      return `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`;
    })
      .replace("\ud800", "\ufffd")
      .replace("\uffff", "\\uffff");
    expect(suite?.attributes["name"]).toBe(`bad ${expected}.ts`);
    expect(suite?.children.find(({ name }) => name === "system-out")?.text).toBe(expected);
  });

  test("the control: the parser refuses what is not well-formed", () => {
    expect(() => parse("<a>\u0007</a>")).toThrow();
    expect(() => parse("<a b='<'/>")).toThrow();
  });
});

test("GitHub's annotations: one a failure, on one line each, at its place", () => {
  const reporter = REPORTERS.github();
  const file = (result: Parameters<typeof reporter.file>[0]): string => reporter.file(result);
  expect(file(fileResult({ children: [testResult("passes")] }))).toBe("");
  const failed = fileResult({
    file: "a,b.ts",
    children: [
      { type: "group", name: "g", place: null, children: [failedTest("50%: x", ["g"])] },
      testResult("hangs", { status: "timed-out", message: "late" }),
    ],
    problem: { kind: "crash", message: "it\ndied", details: ["at x"] },
  });
  const lines = file(failed).trimEnd().split("\n");
  expect(lines[0]).toMatch(
    /^::error file=dir\/a\.ts,line=7,title=g › 50%25%3A x::expect\(x\)\.toBe\(y\): /,
  );
  expect(lines[1]).toBe("::error file=dir/a.ts,line=3,title=hangs::late");
  expect(lines[2]).toBe("::error file=a%2Cb.ts,line=1,title=crash::it%0Adied%0Aat x");
  expect(lines).toHaveLength(3);
});

test("JSON holds everything, and the sums", () => {
  const document = JSON.parse(report("json", MIXED)) as RunResult & { summary: unknown };
  expect(document.summary).toEqual(count(MIXED.files));
  expect(document.files).toEqual(JSON.parse(JSON.stringify(MIXED.files)));
});

describe("the terminal", () => {
  test("shows names, values, places and source lines", () => {
    const result = {
      xen: "Xen 4.17",
      durationMs: 2,
      files: [fileResult({ children: [failedTest("fails")] })],
    };
    expect(report("terminal", result).split("\n").slice(0, 8)).toEqual([
      "✗ dir/a.ts (1.5 s)",
      "  ✗ fails (1 ms)",
      "      expect(x).toBe(y)",
      '        expected  "a"',
      expect.stringContaining('        actual    <a href="x">') as string,
      "        at dir/a.ts:7",
      "           source line 7",
      "      other",
    ]);
  });

  test("ends in a summary", () => {
    expect(report("terminal", MIXED).trimEnd().split("\n").at(-1)).toBe(
      "2 files, 1 failed: 2 passed, 3 failed, 1 not run, 1 skipped, 1 todo; 10 assertions (4.2 s), on Xen 4.17 (Debian 4.17.7+13-g2445b30a44-0+deb12u1)",
    );
  });

  test("a guest's words cannot steer it", () => {
    const text = report("terminal", MIXED);
    expect(text).not.toMatch(/[\0-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]/);
    expect(text).toContain("\\x1b[31mred");
  });

  test("has colours when it is told to, and then only its own", () => {
    const text = report("terminal", MIXED, true);
    expect(text).toContain("\u001b[31m");
    expect(text).not.toContain("\u001b[31mred\u001b");
  });
});

describe("HTML", () => {
  const page = report("html", MIXED);
  const rows = [...page.matchAll(/<tr class="has-(\w+)" data-name="([^"]*)"/g)];

  test("has a row for each test in one column, and each result of its own kind", () => {
    const tests = MIXED.files.flatMap((file) => testsOf(file.children));
    expect(rows).toHaveLength(tests.length);
    const having = (kind: string): number => rows.filter(([, one]) => one === kind).length;
    const { passed, failed, notRun, skipped, todo } = count(MIXED.files);
    expect([having("passed"), having("failed"), having("skipped")]).toEqual([
      passed,
      failed + notRun,
      skipped + todo,
    ]);
    expect(page.match(/<th scope="col" class="cell">/g)).toHaveLength(1);
  });

  test("says what failed and why, and nothing of what a test says is markup", () => {
    expect(page).toContain("expect(x).toBe(y)");
    expect(page).toContain("&lt;a href=");
    expect(page).not.toContain('<a href="x">');
    expect(page).not.toContain("control went red");
  });

  test("tests of one name have a row each", () => {
    const children = [testResult("same"), testResult("same")];
    const text = report("html", { ...MIXED, files: [fileResult({ children })] });
    expect(text.match(/data-name="/g)).toHaveLength(2);
    expect(text).toContain("2 tests: 2 passed, 0 failed, 0 skipped.");
  });
});
