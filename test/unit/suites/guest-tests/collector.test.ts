/**
 * From records to results. Why it matters: a test that was lost on the way must never look like one that
 * passed. How it would fail: a crash that leaves the tests behind it unmentioned, a missing or contradictory
 * record taken for a success, a name with odd characters torn apart.
 */
import { describe, expect, test } from "vitest";
import { TestCollector, type Ending } from "../../../../src/host/suites/guest-tests/collector.js";
import { testsOf } from "../../../../src/host/suites/guest-tests/model.js";
import { collect, CRASH, end, GOOD_END, passing, record, site } from "./records.js";

const statuses = ({ children }: ReturnType<typeof collect>): string[] =>
  testsOf(children).map((one) => `${one.name}: ${one.status}`);

describe("a good run", () => {
  test("is a tree of groups and tests with their assertions", () => {
    const result = collect([
      "event=group @1 text=outer",
      "event=group @2 text=inner",
      "event=start @3 text=one",
      "event=pass @4 text=expect(1).toBe(1)",
      "event=repeat count=9",
      "event=done assertions=10 failures=0 ns=2500000",
      "event=ungroup",
      "event=skip reason=needs%20domu,%20100%25 @6 text=two",
      "event=ungroup",
      "event=todo @7 text=three",
      end(1),
    ]);
    expect(result.problem).toBeNull();
    const place = (line: number) => ({ file: "dir/guest.ts", line });
    expect(result.children).toMatchObject([
      {
        name: "outer",
        place: place(1),
        children: [
          {
            name: "inner",
            place: place(2),
            children: [
              {
                name: "one",
                groups: ["outer", "inner"],
                place: place(3),
                status: "passed",
                durationMs: 2.5,
                message: null,
                assertions: [{ text: "expect(1).toBe(1)", ok: true, times: 10, place: place(4) }],
              },
            ],
          },
          { name: "two", status: "skipped", message: "needs domu, 100%", groups: ["outer"] },
        ],
      },
      { name: "three", status: "todo", groups: [] },
    ]);
  });

  test.each(["a = b", "100 %20 %", "two\nlines", "ünï 😀", "text=event=pass", " ", ""])(
    "a name may be %j",
    (name) => {
      const result = collect([...passing(name, 1), end(1)]);
      expect(testsOf(result.children)[0]?.name).toBe(name);
      expect(result.problem).toBeNull();
    },
  );

  test("prints belong to the test that runs", () => {
    const collector = new TestCollector("guest.ts", []);
    const [start = "", ...rest] = passing("one", 1).map((text) => text.replace(/@\d+ /, ""));
    collector.record(record("before", "log"));
    expect(collector.record(record(start))).toBe("begin");
    expect(collector.running?.name).toBe("one");
    collector.record(record("inside", "error"));
    for (const text of rest) collector.record(record(text));
    expect(collector.running).toBeNull();
    collector.record(record(end(1)));
    const { children, output } = collector.end(GOOD_END);
    expect(output).toEqual(["before"]);
    expect(testsOf(children)[0]?.output).toEqual(["inside"]);
  });

  test("records without the run's nonce are nobody's", () => {
    const collector = new TestCollector("guest.ts", []);
    for (const text of [...passing("one", 1), end(1)])
      collector.record({ ...record(text), signed: false });
    expect(collector.end(GOOD_END).problem?.message).toContain("no tests");
  });
});

describe("a failed assertion", () => {
  test("fails its test, with what was expected; the next one is not blamed", () => {
    const result = collect(
      [
        "event=start @1 text=one",
        'event=fail expected="a%20=%20b" actual=100%25%2520 @2 text=expect(x).toBe(y)',
        "event=pass @3 text=it holds",
        "event=done assertions=2 failures=1 ns=0",
        ...passing("two", 5),
        end(1, 1),
      ],
      { ...GOOD_END, guestCode: 1 },
    );
    expect(result.problem).toBeNull();
    expect(statuses(result)).toEqual(["one: failed", "two: passed"]);
    expect(testsOf(result.children)[0]?.assertions).toMatchObject([
      { ok: false, expected: '"a = b"', actual: "100%%20", place: { line: 2 } },
      { ok: true },
    ]);
  });

  test("outside of any test has a test of its own", () => {
    const result = collect(
      [...passing("one", 1), "event=fail expected=1 actual=2 @5 text=x", end(1)],
      { ...GOOD_END, guestCode: 1 },
    );
    expect(statuses(result)).toEqual(["one: passed", "(outside of any test): failed"]);
    expect(result.problem).toBeNull();
  });

  test("that is missing makes the test fail that has none", () => {
    const result = collect(
      ["event=start @1 text=one", "event=done assertions=0 failures=0 ns=0", end(0, 1)],
      { ...GOOD_END, guestCode: 1 },
    );
    expect(testsOf(result.children)[0]).toMatchObject({
      status: "failed",
      message: "the test asserted nothing",
    });
  });
});

const SITES = [
  site("test", "one", 1),
  site("group", "g", 4),
  site("test", "two", 5, 1),
  site("test", "three", 8, 1),
  site("skip", "four", 12),
];

describe("a crash", () => {
  test("is the running test's, and all behind it is not run, in its place", () => {
    const result = collect(
      [
        ...passing("one", 1),
        "event=group @4 text=g",
        "event=start @5 text=two",
        "event=pass @6 text=it holds",
      ],
      CRASH,
      SITES,
    );
    expect(statuses(result)).toEqual([
      "one: passed",
      "two: crashed",
      "three: not-run",
      "four: not-run",
    ]);
    expect(result.problem).toBeNull();
    expect(testsOf(result.children)).toMatchObject([
      {},
      { message: CRASH.message, frames: CRASH.frames, assertions: [{ ok: true }] },
      { message: `not run: ${CRASH.message}`, groups: ["g"] },
      { groups: [] },
    ]);
  });

  test("between tests is the file's; groups that were not reached are there", () => {
    const result = collect(passing("one", 1), CRASH, SITES);
    expect(result.problem).toEqual({
      kind: "crash",
      message: `after "one": ${CRASH.message}`,
      details: ["at f (a.ts:7)"],
    });
    expect(result.children.map(({ name }) => name)).toEqual(["one", "g", "four"]);
    expect(statuses(result).slice(1)).toEqual(["two: not-run", "three: not-run", "four: not-run"]);
  });

  test("behind the last test is the file's", () => {
    const result = collect([...passing("one", 1), end(1)], CRASH);
    expect(result.problem).toMatchObject({ kind: "crash" });
  });

  test("a deadline is told apart", () => {
    const result = collect(["event=start @1 text=one"], { ...CRASH, how: "timeout" });
    expect(statuses(result)).toEqual(["one: timed-out"]);
  });

  test("trouble on the host is the file's, whatever ran", () => {
    const result = collect(["event=start @1 text=one"], { ...CRASH, how: "host" });
    expect(result.problem).toMatchObject({ kind: "host" });
  });
});

describe("what a run that came to its end did not come to", () => {
  test("is skipped, not forgotten: a test behind an `if`", () => {
    const result = collect([...passing("one", 1), end(1)], GOOD_END, SITES);
    expect(result.problem).toBeNull();
    expect(statuses(result)).toEqual([
      "one: passed",
      "two: skipped",
      "three: skipped",
      "four: skipped",
    ]);
  });

  test("is skipped for its group's reason if the guest skipped that", () => {
    const result = collect(
      [...passing("one", 1), "event=skip reason=needs%20domu @4 text=g", end(1)],
      GOOD_END,
      SITES.slice(0, 4),
    );
    expect(result.problem).toBeNull();
    expect(testsOf(result.children)).toMatchObject([
      { name: "one" },
      { name: "two", status: "skipped", message: "needs domu", groups: ["g"] },
      { name: "three", status: "skipped", message: "needs domu", groups: ["g"] },
    ]);
  });

  test("tests in one line are told apart by name, computed names by line", () => {
    const sites = [
      site("test", "a", 1),
      site("test", "b", 1),
      { ...site("test", '"c" + i', 3), exact: false },
    ];
    const run = (names: [string, number][]) =>
      statuses(
        collect(
          [...names.flatMap(([name, line]) => passing(name, line)), end(names.length)],
          GOOD_END,
          sites,
        ),
      );
    expect(
      run([
        ["a", 1],
        ["b", 1],
        ["c0", 3],
        ["c1", 3],
      ]),
    ).toEqual(["a: passed", "b: passed", "c0: passed", "c1: passed"]);
    expect(run([["b", 1]])).toEqual(["b: passed", "a: skipped", '"c" + i: skipped']);
  });
});

describe("a guest's account that cannot be is a problem of the file", () => {
  test.each([
    ["no end", passing("one", 1), 0, "ended itself with exit code 0"],
    ["one passed too many", [...passing("one", 1), end(2)], 0, "counted 2 passed"],
    ["a failure that was not told", [...passing("one", 1), end(1, 1)], 1, "and 1 failed tests"],
    ["an exit code without a failure", [...passing("one", 1), end(1)], 3, "exit code is 3"],
    ["no tests at all", [], 0, "there are no tests"],
    [
      "an assertion that was lost",
      [
        "event=start @1 text=one",
        "event=pass @2 text=x",
        "event=done assertions=2 failures=0 ns=0",
        end(1),
      ],
      0,
      'the test "one" made 2 assertions, of which 1 were reported',
    ],
    ["an unknown event", [...passing("one", 1), "event=party", end(1)], 0, "event=party"],
    ["no event", [...passing("one", 1), "hello", end(1)], 0, "cannot be parsed: hello"],
    ["an end without a start", ["event=done assertions=0 failures=0 ns=0", end(0)], 0, "no tests"],
    [
      "a start in a test",
      ["event=start @1 text=x", ...passing("one", 1), end(1)],
      0,
      "cannot be parsed",
    ],
    ["an ungroup without a group", [...passing("one", 1), "event=ungroup", end(1)], 0, "ungroup"],
    ["two ends", [...passing("one", 1), end(1), end(1)], 0, "event=end"],
    [
      "a repetition of nothing",
      ["event=repeat count=3", ...passing("one", 1), end(1)],
      0,
      "repeat",
    ],
  ])("%s", (_what, records, guestCode, message) => {
    expect(collect(records, { ...GOOD_END, guestCode }).problem).toMatchObject({
      kind: "records",
      message: expect.stringContaining(message) as string,
    });
  });

  test("and the control is none", () => {
    expect(collect([...passing("one", 1), end(1)]).problem).toBeNull();
  });

  test("a guest that ends itself in a test has failed that", () => {
    const result = collect(["event=start @1 text=one"]);
    expect(testsOf(result.children)[0]).toMatchObject({
      status: "crashed",
      message: "the guest ended itself in this test, with exit code 0",
    });
  });
});

describe("a trap that a test expects", () => {
  const begin = ["event=group @1 text=g", ...passing("one", 2), "event=start @4 text=trapping"];
  const expected = "event=trap kind=out-of-bounds @5 text=expectTrap(x)";
  const feed = (collector: TestCollector, payloads: string[]): void => {
    for (const payload of payloads)
      collector.record(record(payload.replace(/@(\d+)/, "file=guest.ts line=$1")));
  };

  test("passes it, and the next boot goes on in the same groups", () => {
    const collector = new TestCollector("dir/guest.ts", []);
    feed(collector, [...begin, expected]);
    expect(collector.takeTrap("out-of-bounds")).toBe(true);
    expect(collector.told).toBe(2);
    feed(collector, ["event=group @1 text=g", ...passing("two", 7), "event=ungroup", end(1)]);
    const result = collector.end(GOOD_END);
    expect(result.problem).toBeNull();
    expect(result.children).toHaveLength(1);
    expect(statuses(result)).toEqual(["one: passed", "trapping: passed", "two: passed"]);
  });

  test.each([
    ["another one comes", [...begin, expected], "unreachable"],
    ["it was not expected", begin, "out-of-bounds"],
    ["no test runs", passing("one", 2), "out-of-bounds"],
  ])("the control: %s, and it is a crash", (_, payloads, kind) => {
    const collector = new TestCollector("dir/guest.ts", []);
    feed(collector, payloads);
    expect(collector.takeTrap(kind)).toBe(false);
    expect(collector.end(CRASH).children.length).toBeGreaterThan(0);
  });
});

describe("what is not selected", () => {
  test("is skipped, and counts as come to", () => {
    const result = collect(
      [...passing("one", 2), "event=unselected @4 text=two", end(1)],
      GOOD_END,
      [site("test", "one", 2), site("test", "two", 4)],
    );
    expect(result.problem).toBeNull();
    expect(statuses(result)).toEqual(["one: passed", "two: skipped"]);
  });

  test("nor is what a run with enough failures does not come to", () => {
    const bail: Ending = { how: "bail", message: "enough", guestCode: null, frames: [] };
    const result = collect(passing("one", 2), bail, [
      site("test", "one", 2),
      site("test", "two", 4),
    ]);
    expect(result.problem).toBeNull();
    expect(statuses(result)).toEqual(["one: passed", "two: skipped"]);
  });
});

test("what a test writes without console.log is its output, by lines; one that it does not end as well", () => {
  const collector = new TestCollector("dir/guest.ts", []);
  const write = (text: string, kind = "out") => {
    collector.record({ ...record(text, kind), bytes: Buffer.from(text) });
  };
  const run = (payload: string) =>
    collector.record(record(payload.replace("@", "file=guest.ts line=")));
  write("bef");
  write("ore\nopen");
  for (const payload of passing("one", 2).slice(0, 2)) run(payload);
  write("a\nb ");
  write("oops\n", "err");
  write("c");
  run("event=done assertions=1 failures=0 ns=1");
  write("behind");
  const { children, output } = collector.end(GOOD_END);
  expect(testsOf(children)[0]?.output).toEqual(["a", "oops", "b c"]);
  expect(output).toEqual(["before", "open", "behind"]);
});

// A guest sends U+FFFD for half of a pair; what its source has tells the two apart no more.
test("names that differ in half of a surrogate pair alone are two tests", () => {
  const result = collect(
    [...passing("lone \ufffd half", 2), ...passing("lone \ufffd half", 2), end(2)],
    GOOD_END,
    [site("test", "lone \ud800 half", 2), site("test", "lone \udc00 half", 2)],
  );
  expect(result.problem).toBeNull();
  expect(statuses(result)).toEqual(["lone \ufffd half: passed", "lone \ufffd half: passed"]);
});

test("a name with replacement characters is no other one with fewer", () => {
  const result = collect([...passing("\ufffd\ufffd", 2), end(1)], GOOD_END, [
    site("test", "\ufffd", 2),
    site("test", "\ufffd\ufffd", 2),
  ]);
  expect(statuses(result)).toEqual(["\ufffd\ufffd: passed", "\ufffd: skipped"]);
});
