/**
 * The verdict on a guest that reports none. What it shows: an expected text passes at once, an expected end passes at
 * the end, both have to come true where both are given, and XTF's results are distinguished. Why it matters: success must
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

  const out = (text: string, kind = "out") => {
    const bytes = Buffer.from(text);
    return { kind, payload: text, bytes, seq: 0, signed: true };
  };
  const log = (payload: string) => ({ kind: "log", payload, seq: 0, signed: true });

  test.each([
    ["in a line that has not ended", [out("name? up")], [true]],
    ["in two parts", [out("it is u"), out("p.")], [false, true]],
    ["on standard error", [out("up", "err")], [true]],
    ["in a long line's last part", [out("u"), log("p")], [false, true]],
    ["in a line", [log("it is up.")], [true]],
    ["on two streams, half each", [out("u"), out("p", "err")], [false, false]],
    ["over a line's end", [log("u"), log("p")], [false, false]],
    ["in what is no output", [{ ...log("up"), kind: "step" }], [false]],
  ])("is found as the guest prints it: %s", (_, records, done) => {
    const printed = new PrintedVerdict({ text: "up" });
    expect(records.map((record) => printed.take(record))).toEqual(done);
    expect(printed.textSeen).toBe(done.at(-1));
  });

  test("of one byte, and one that is not ASCII", () => {
    expect(new PrintedVerdict({ text: "x" }).take(out("ax"))).toBe(true);
    const printed = new PrintedVerdict({ text: "grüße" });
    const bytes = Buffer.from("grüße");
    expect(printed.take({ ...out(""), bytes: bytes.subarray(0, 3) })).toBe(false);
    expect(printed.take({ ...out(""), bytes: bytes.subarray(3) })).toBe(true);
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
