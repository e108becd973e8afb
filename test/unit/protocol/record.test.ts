/**
 * The record protocol. What it shows: whatever a guest writes comes out as it
 * went in, and every kind of damage on the way is reported, once. Why it
 * matters: verdicts and test results are records, so a lost or altered line that
 * goes unnoticed is a false success. How it would fail: a reader that skips what
 * it does not understand.
 */
import { describe, expect, test } from "vitest";
import {
  MAX_LINE,
  MAX_PAYLOAD,
  RecordReader,
  checksum,
  encodeRecord,
  fieldsOf,
  type Item,
} from "../../../src/host/protocol/record.js";
import { random } from "../../fixtures/random.js";

const NONCE = "abc123";

function read(lines: string[]): Item[] {
  const reader = new RecordReader(NONCE);
  return [...lines.flatMap((line) => reader.push(line)), ...reader.end()];
}

function signed(body: string): string {
  return `${body} #${checksum(body)}`;
}

/** "record:kind=payload", "text:…" or "damage:kind" for each item. */
function summary(lines: string[]): string[] {
  return read(lines).map((item) => {
    if (item.type === "record") return `record:${item.record.kind}=${item.record.payload}`;
    return item.type === "text" ? `text:${item.text}` : `damage:${item.damage.kind}`;
  });
}

const log = (seq: number, payload = `line ${seq}`): string =>
  encodeRecord({ kind: "log", payload }, NONCE, seq)[0] ?? "";

describe("the checksum", () => {
  test("is FNV-1a, 32 bits: its published values", () => {
    expect(checksum("")).toBe("811c9dc5");
    expect(checksum("a")).toBe("e40c292c");
    expect(checksum("foobar")).toBe("bf9cf968");
  });
});

describe("a well-formed record", () => {
  test("in one line", () => {
    const body = `~x1 ${NONCE} 0 exit:code=7`;
    expect(read([signed(body)])).toEqual([
      { type: "record", record: { kind: "exit", payload: "code=7", seq: 0, signed: true } },
    ]);
  });

  test("is found behind what the guest wrote without a newline, which is text", () => {
    expect(summary([`half a line ${log(0)}`, log(1)])).toEqual([
      "text:half a line ",
      "record:log=line 0",
      "record:log=line 1",
    ]);
  });

  test("may hold what looks like a record", () => {
    expect(summary([log(0, `~x1 ${NONCE} 9 exit:code=0 #00000000`)])).toEqual([
      `record:log=~x1 ${NONCE} 9 exit:code=0 #00000000`,
    ]);
  });

  test("may be empty", () => {
    expect(summary([log(0, "")])).toEqual(["record:log="]);
  });

  test("of an unknown kind is passed through", () => {
    expect(summary(encodeRecord({ kind: "x-new-2", payload: "p" }, NONCE, 0))).toEqual([
      "record:x-new-2=p",
    ]);
  });

  test("may be unsigned, before the guest knows its nonce", () => {
    const [line = ""] = encodeRecord({ kind: "fatal", payload: "no Xen" }, "-", 0);
    expect(read([line])).toMatchObject([{ record: { kind: "fatal", signed: false } }]);
  });

  test("survives any text, whatever has to be escaped or split", () => {
    const next = random(1);
    for (let round = 0; round < 300; round++) {
      const payload = Array.from({ length: next(400) }, () =>
        String.fromCodePoint(
          [next(0x80), next(0x800), 0xe000 + next(0x1000), 0x1f600 + next(64)][next(4)] ?? 0,
        ),
      ).join("");
      const lines = encodeRecord({ kind: "log", payload }, NONCE, 0);
      for (const line of lines) expect(line).toMatch(/^[ -~]{1,189}$/);
      expect(read(lines)).toEqual([
        { type: "record", record: { kind: "log", payload, seq: 0, signed: true } },
      ]);
    }
  });
});

describe("console text is", () => {
  test("what has no magic", () => {
    expect(summary(["hello", "", "~x2 abc 0 log:x"])).toEqual([
      "text:hello",
      "text:",
      "text:~x2 abc 0 log:x",
    ]);
  });

  test("a record of another nonce, verdict or not", () => {
    const [foreign = ""] = encodeRecord({ kind: "exit", payload: "code=0" }, "zzz", 0);
    expect(summary([foreign, log(0)])).toEqual([`text:${foreign}`, "record:log=line 0"]);
  });

  test("what pretends to be unsigned, but is no record", () => {
    expect(summary(["~x1 - 0 log:x #00000000", log(0)])).toEqual([
      "text:~x1 - 0 log:x #00000000",
      "record:log=line 0",
    ]);
  });
});

describe("damage, each kind told once, and the next record read all the same:", () => {
  const good = log(0);
  const parts = encodeRecord({ kind: "log", payload: "y".repeat(400) }, NONCE, 0);

  test.each<[string, string[], string[]]>([
    [
      "a changed byte",
      [good.replace("line", "lime"), log(1)],
      ["damage:checksum", "record:log=line 1"],
    ],
    [
      "a changed checksum",
      [good.replace(/.$/, "g"), log(1)],
      ["damage:malformed", "record:log=line 1"],
    ],
    [
      "an upper-case checksum",
      [good.replace(/#.*/, "#ABCDEF01"), log(1)],
      ["damage:malformed", "record:log=line 1"],
    ],
    ["no checksum", [good.replace(/ #.*/, ""), log(1)], ["damage:malformed", "record:log=line 1"]],
    [
      "no payload separator",
      [signed(`~x1 ${NONCE} 0 log hello`), log(1)],
      ["damage:malformed", "record:log=line 1"],
    ],
    [
      "no number",
      [signed(`~x1 ${NONCE} log:hello`), log(1)],
      ["damage:malformed", "record:log=line 1"],
    ],
    [
      "a number with a leading zero",
      [signed(`~x1 ${NONCE} 00 log:hello`), log(1)],
      ["damage:malformed", "record:log=line 1"],
    ],
    [
      "a kind in capitals",
      [signed(`~x1 ${NONCE} 0 LOG:hello`), log(1)],
      ["damage:malformed", "record:log=line 1"],
    ],
    [
      "a raw byte beyond ASCII",
      [signed(`~x1 ${NONCE} 0 log:h\xe9`), log(1)],
      ["damage:malformed", "record:log=line 1"],
    ],
    [
      "two lines run together",
      [good + log(1), log(2)],
      ["damage:checksum", "damage:gap", "record:log=line 2"],
    ],
    [
      "a line split in two",
      [good.slice(0, 20), good.slice(20), log(1)],
      ["damage:malformed", `text:${good.slice(20)}`, "record:log=line 1"],
    ],
    ["a lost line", [good, log(2)], ["record:log=line 0", "damage:gap", "record:log=line 2"]],
    ["the first line lost", [log(1)], ["damage:gap", "record:log=line 1"]],
    [
      "a line twice",
      [good, good, log(1)],
      ["record:log=line 0", "damage:duplicate", "record:log=line 1"],
    ],
    [
      "an old line",
      [good, log(1), good, log(2)],
      ["record:log=line 0", "record:log=line 1", "damage:duplicate", "record:log=line 2"],
    ],
    [
      "a continuation that another kind cuts off",
      [parts[0] ?? "", ...encodeRecord({ kind: "exit", payload: "code=0" }, NONCE, 1)],
      ["damage:truncated", "record:exit=code=0"],
    ],
    ["a continuation that never comes", [parts[0] ?? ""], ["damage:truncated"]],
    [
      "a continuation with a hole",
      [parts[0] ?? "", parts[2] ?? "", log(3)],
      ["damage:gap", "record:log=line 3"],
    ],
    [
      "a continuation with a changed byte",
      [parts[0] ?? "", (parts[1] ?? "").replace("yy", "zz"), parts[2] ?? "", log(3)],
      ["damage:checksum", "record:log=line 3"],
    ],
    [
      "a line over the limit",
      [signed(`~x1 ${NONCE} 0 log:${"z".repeat(MAX_LINE)}`), log(1)],
      ["damage:oversize", "record:log=line 1"],
    ],
    [
      "a lower-case escape",
      [signed(`~x1 ${NONCE} 0 log:%c3%a9`), log(1)],
      ["damage:encoding", "record:log=line 1"],
    ],
    [
      "an escape that is cut off",
      [signed(`~x1 ${NONCE} 0 log:100%`), log(1)],
      ["damage:encoding", "record:log=line 1"],
    ],
    [
      "escapes that are no UTF-8",
      [signed(`~x1 ${NONCE} 0 log:%FF%FE`), log(1)],
      ["damage:encoding", "record:log=line 1"],
    ],
    [
      "UTF-8 that is cut off",
      [signed(`~x1 ${NONCE} 0 log:%C3`), log(1)],
      ["damage:encoding", "record:log=line 1"],
    ],
  ])("%s", (_name, lines, expected) => {
    expect(summary(lines)).toEqual(expected);
  });

  test("a record without end, which must not eat the memory", () => {
    const chunk = "m".repeat(150);
    const count = Math.ceil(MAX_PAYLOAD / 150) + 1;
    const lines = Array.from({ length: count }, (_, seq) =>
      signed(`~x1 ${NONCE} ${seq} log+${chunk}`),
    );
    expect(summary([...lines, signed(`~x1 ${NONCE} ${count} log:end`), log(count + 1)])).toEqual([
      "damage:oversize",
      `record:log=line ${count + 1}`,
    ]);
  });

  test("no single flipped character goes unnoticed", () => {
    const line = log(0, "the payload");
    for (let at = 0; at < line.length; at++) {
      const flipped =
        line.slice(0, at) + String.fromCharCode(line.charCodeAt(at) ^ 1) + line.slice(at + 1);
      const found = summary([flipped, log(1)]);
      // A line of another nonce is text; then the gap behind it tells.
      expect(
        found.some((item) => item.startsWith("damage:")),
        flipped,
      ).toBe(true);
      expect(found).not.toContain("record:log=the payload");
    }
  });
});

describe("fields", () => {
  const fields = (payload: string): Record<string, string> | null => {
    const found = fieldsOf({ payload });
    return found === null ? null : Object.fromEntries(found);
  };

  test("are key=value; text takes the rest", () => {
    expect(fields("code=0")).toEqual({ code: "0" });
    expect(fields("name=a value=-1.5 unit=")).toEqual({ name: "a", value: "-1.5", unit: "" });
    expect(fields("line=3 text=a b=c  d")).toEqual({ line: "3", text: "a b=c  d" });
    expect(fields("")).toEqual({});
  });

  test.each(["code", "=0", "a=1  b=2", "a=1 b", " a=1", "A=1", "a=1 a=2", "a=1 "])(
    "not %j",
    (payload) => {
      expect(fields(payload)).toBeNull();
    },
  );
});
