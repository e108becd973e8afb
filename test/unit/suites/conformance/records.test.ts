/**
 * From one boot's records to what it said about its checks. What it shows: every kind of record is read, and
 * whatever does not fit is kept as a fault. Why it matters: verdicts of 300 checks hang on it. How it would fail:
 * a second result that overwrites the first, a record that is passed over, a control taken for the check.
 */
import { describe, expect, test } from "vitest";
import { BootCollector } from "../../../../src/host/suites/conformance/records.js";
import { planned } from "./samples.js";
import { record } from "./stand-in.js";

const A = planned("a/one", { control: true });
const B = planned("a/two");
const C = planned("b/three");

/** Takes `kind payload` lines. */
function collect(lines: string[], clock?: () => number): BootCollector {
  const collector = new BootCollector([A, B], new Set(["a/one", "a/two", "b/three"]), clock);
  for (const line of lines) {
    const [kind = "", ...rest] = line.split(" ");
    collector.record(record(kind, rest.join(" ")));
  }
  return collector;
}

const names = (checks: { name: string }[]): string[] => checks.map(({ name }) => name);

describe("a check", () => {
  test("has a result for each phase, with its claims and its time", () => {
    let now = 0;
    const collector = collect(
      [
        "begin name=a/one phase=check",
        "claim name=a/one phase=check ok=1 text=bind_virq: 0, expected 0",
        "check name=a/one phase=check status=passed text=two words",
        "claim name=a/one phase=control ok=0 text=bind_virq: -17, expected 0",
        "check name=a/one phase=control status=failed text=",
      ],
      () => (now += 10),
    );
    const { phases, claims, faults } = collector.evidence("a/one");
    expect(Object.fromEntries(phases)).toEqual({
      check: { status: "passed", text: "two words", observed: new Map(), durationMs: 10 },
      control: { status: "failed", text: "", observed: new Map(), durationMs: 10 },
    });
    expect(claims).toEqual([
      { phase: "check", ok: true, text: "bind_virq: 0, expected 0" },
      { phase: "control", ok: false, text: "bind_virq: -17, expected 0" },
    ]);
    expect(faults).toEqual([]);
    expect(names(collector.unfinished)).toEqual(["a/two"]);
    expect(collector.contradictions).toEqual([]);
  });

  test.each([
    ["observed=-22 ", [["a/one", "-22"]]],
    ["observed=some-value:-22 ", [["some-value", "-22"]]],
    [
      "observed=some-value:-22,other:a%20b ",
      [
        ["some-value", "-22"],
        ["other", "a b"],
      ],
    ],
    ["", []],
  ])("reports what it observed: %j", (field, observed) => {
    const collector = collect([`check name=a/one phase=check status=passed ${field}text=x`]);
    expect([...(collector.evidence("a/one").phases.get("check")?.observed ?? [])]).toEqual(
      observed,
    );
  });

  test("lacks its control until that is told, but not if it failed anyway", () => {
    const passed = collect(["check name=a/one phase=check status=passed text=x"]);
    expect(names(passed.unfinished)).toEqual(["a/one", "a/two"]);
    const failed = collect(["check name=a/one phase=check status=failed text=x"]);
    expect(names(failed.unfinished)).toEqual(["a/two"]);
  });

  test("that is under way is the one that began, or claimed something, or is the first", () => {
    const running = (...lines: string[]): string[] => names(collect(lines).running);
    expect(running()).toEqual(["a/one"]);
    expect(running("begin name=a/two phase=check")).toEqual(["a/two"]);
    expect(running("claim name=a/two phase=check ok=1 text=x")).toEqual(["a/two"]);
    expect(
      running(
        "begin name=a/two phase=check",
        "check name=a/two phase=check status=passed text=",
        "claim name=a/one phase=check ok=1 text=x",
      ),
    ).toEqual(["a/one"]);
    expect(
      running(
        "check name=a/two phase=check status=passed text=",
        "check name=a/one phase=check status=failed text=",
      ),
    ).toEqual([]);
  });

  test("is under way with its group, and no other", () => {
    const grouped = ["a/one", "b/two", "b/three", "c/four"].map((name) =>
      planned(name, { group: name.charAt(0) }),
    );
    const collector = new BootCollector(grouped, new Set(names(grouped)));
    expect(collector.silent).toBe(true);
    collector.record(record("scenario", "name=b phase=check"));
    expect(collector.silent).toBe(false);
    expect(names(collector.running)).toEqual(["b/two", "b/three"]);
    collector.record(record("check", "name=b/two phase=check status=passed text="));
    expect(names(collector.running)).toEqual(["b/three"]);
    collector.record(record("check", "name=b/three phase=check status=passed text="));
    expect(names(collector.running)).toEqual(["a/one"]);
  });
});

describe("what does not fit is a fault of the check:", () => {
  test.each([
    [
      "two results",
      [
        "check name=a/two phase=check status=failed text=",
        "check name=a/two phase=check status=passed text=",
      ],
      "the result of its check came twice: failed, then passed",
    ],
    [
      "a claim that comes late",
      [
        "check name=a/two phase=check status=passed text=",
        "claim name=a/two phase=check ok=1 text=x",
      ],
      "a claim came after its check's result: x",
    ],
    [
      "a check that begins again",
      ["check name=a/two phase=check status=passed text=", "begin name=a/two phase=check"],
      "its check began again after its result",
    ],
  ])("%s", (_name, lines, fault) => {
    expect(collect(lines).evidence("a/two").faults).toEqual([fault]);
  });

  test("the first of two results stays", () => {
    const collector = collect([
      "check name=a/two phase=check status=failed text=first",
      "check name=a/two phase=check status=passed text=second",
    ]);
    expect(collector.evidence("a/two").phases.get("check")).toMatchObject({ status: "failed" });
  });
});

test("a check of another boot, and one that nobody knows, are unexpected", () => {
  const collector = collect([
    "check name=b/three phase=check status=passed text=",
    "check name=b/tree phase=check status=failed text=",
    "claim name=b/tree phase=check ok=0 text=",
  ]);
  expect(C.name).toBe("b/three");
  expect(collector.unexpected).toEqual([
    { name: "b/three", known: true, status: "passed" },
    { name: "b/tree", known: false, status: "failed" },
  ]);
});

describe("a record that cannot be read is said:", () => {
  test.each([
    "check phase=check status=passed text=x",
    "check name= phase=check status=passed text=x",
    "check name=a/one phase=test status=passed text=x",
    "check name=a/one phase=check status=PASSED text=x",
    "check name=a/one phase=check text=x",
    "check name=a/one phase=check status=passed observed= text=x",
    "check name=a/one phase=check status=passed observed=v:1,v:2 text=x",
    "check name=a/one name=a/two phase=check status=passed text=x",
    "claim name=a/one phase=check text=x",
    "claim name=a/one phase=check ok=yes text=x",
    "state name=x before=1 shutdown=2",
    "stage name=x ns=-1",
    "stage name=x ns=soon",
    "series name=x values=1,,2",
    "series name=x",
    "begin name=a/one",
    "scenario name=a",
  ])("%s", (line) => {
    const collector = collect([line]);
    expect(collector.contradictions).toEqual([expect.stringContaining("cannot be parsed")]);
    expect(names(collector.unfinished)).toEqual(["a/one", "a/two"]);
  });
});

test("tables, stages and series are kept; a second one of a name is said", () => {
  const collector = collect([
    "state name=shared_info%20gfn before=0x11c shutdown=0x11c after=~0",
    "stage name=paused ns=1200",
    "stage name=paused ns=1300",
    "series name=free_pages values=10,10,-9",
  ]);
  expect(collector.state).toEqual([
    { name: "shared_info gfn", before: "0x11c", atShutdown: "0x11c", afterReset: "~0" },
  ]);
  expect(collector.timeline).toEqual([{ name: "paused", ns: 1200 }]);
  expect(collector.series).toEqual([{ name: "free_pages", values: [10, 10, -9] }]);
  expect(collector.contradictions).toEqual(['the stage "paused" is reported twice']);
});

test("a record without the run's nonce is nobody's, and other kinds are other readers'", () => {
  const collector = collect(["log check name=a/one", "test event=start text=x"]);
  collector.record(record("check", "name=a/two phase=check status=passed text=", false));
  expect(names(collector.unfinished)).toEqual(["a/one", "a/two"]);
  expect(collector.contradictions).toEqual([]);
});

describe("what was last logged", () => {
  const group = { ...A, group: "first" };
  const logged = (lines: string[]): string | null => {
    const collector = new BootCollector([group], new Set(["a/one"]));
    for (const line of lines) {
      const [kind = "", ...rest] = line.split(" ");
      collector.record(record(kind, rest.join(" ")));
    }
    return collector.lastWords(group);
  };

  test("is of the phase that came to no result: what the control says does not explain the check", () => {
    const lines = [
      "scenario name=first phase=check",
      "log first: XEN_DOMCTL_soft_reset was refused: -16 (EBUSY)",
      "scenario name=first phase=control",
      "log d2: something else",
    ];
    expect(logged(lines)).toBe("first: XEN_DOMCTL_soft_reset was refused: -16 (EBUSY)");
    const passed = "check name=a/one phase=check status=passed text=";
    expect(logged([...lines.slice(0, 1), passed, ...lines.slice(2)])).toBe("d2: something else");
  });
});
