/**
 * The verdict on a guest that reports none. What it shows: an expected text passes at once, an expected end passes at
 * the end, both have to come true where both are given, and XTF's results are told apart. Why it matters: success must
 * never be the default. How it would fail: an expectation that nothing ever fulfilled counts as met, or any line that
 * has "SUCCESS" in it.
 */
import { describe, expect, test } from "vitest";
import { PrintedVerdict, type Expectation } from "../../../src/host/boot/expectation.js";

function judge(expected: Expectation | null, lines: string[], reason: number) {
  const printed = new PrintedVerdict(expected);
  const done = lines.map((line) => printed.read(line));
  return { done, verdict: printed.judge(reason) };
}

describe("an expected text", () => {
  test("is enough where nothing else is expected, and only once", () => {
    expect(judge({ text: "up" }, ["begin", "it is up.", "up"], 0).done).toEqual([
      false,
      true,
      false,
    ]);
  });

  test("has to come before the end", () => {
    expect(judge({ text: "up" }, ["down"], 0).verdict).toEqual({
      code: 1,
      message: 'the domain ended by poweroff, and the guest had not printed "up"',
    });
  });

  test("is not all where an end is expected as well", () => {
    const both = { text: "up", shutdown: 3 };
    expect(judge(both, ["up"], 3)).toEqual({
      done: [false],
      verdict: { code: 0, message: "the domain ended by crash, as expected" },
    });
    expect(judge(both, ["up"], 0).verdict?.code).toBe(1);
    expect(judge(both, [], 3).verdict?.code).toBe(1);
    expect(judge(both, [], 4).verdict?.message).toBe(
      'the domain ended by watchdog, not by crash, and the guest had not printed "up"',
    );
  });
});

describe("XTF's result", () => {
  test.each([
    ["SUCCESS", 0],
    ["SKIP", 3],
    ["ERROR", 4],
    ["FAILURE", 5],
  ])("%s", (word, code) => {
    expect(judge(null, ["--- Xen Test Framework ---", `Test result: ${word}`], 0).verdict).toEqual({
      code,
      message: `XTF's test result: ${word}`,
    });
  });

  test("the last one counts; a crash behind it, or another line, is no verdict", () => {
    const failed = ["Test result: SUCCESS", "Test result: FAILURE"];
    expect(judge(null, failed, 0).verdict?.code).toBe(5);
    expect(judge(null, ["Test result: SUCCESS"], 3).verdict).toBeNull();
    expect(
      judge(null, ["my Test result: SUCCESS", "Test result: SUCCESSFUL"], 0).verdict,
    ).toBeNull();
    expect(judge(null, [], 0).verdict).toBeNull();
  });

  test("does not speak against what the user expects", () => {
    expect(judge({ shutdown: 0 }, ["Test result: FAILURE"], 0).verdict?.code).toBe(0);
  });
});
