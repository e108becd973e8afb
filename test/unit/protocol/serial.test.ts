/**
 * From bytes to lines that say who wrote them. Why it matters: a line that is
 * torn or taken for another run's is a record lost, or Xen's words put into
 * the guest's mouth. How it would fail: a chunk border inside `\r\n` or a
 * timestamp that is stripped from a guest's own text.
 */
import { describe, expect, test } from "vitest";
import { LineSplitter, readConsoleLine } from "../../../src/host/protocol/serial.js";

describe("splitting into lines", () => {
  const bytes = Buffer.from("(XEN) one\r\n(d0) two\n\n(d0) thr\xe9e\r\nrest", "latin1");

  test("gives the same lines wherever the chunks are cut", () => {
    for (let cut = 0; cut <= bytes.length; cut++) {
      const splitter = new LineSplitter();
      const lines = [bytes.subarray(0, cut), bytes.subarray(cut)].flatMap((chunk) =>
        splitter.push(chunk),
      );
      expect([...lines, ...splitter.end()]).toEqual([
        "(XEN) one",
        "(d0) two",
        "",
        "(d0) thr\xe9e",
        "rest",
      ]);
    }
  });

  test("does not collect a line without end", () => {
    const splitter = new LineSplitter();
    let lines = 0;
    for (let i = 0; i < 100; i++) lines += splitter.push(Buffer.alloc(4096, 65)).length;
    expect(lines).toBeGreaterThan(4);
  });
});

describe("reading a line", () => {
  test("tells Xen, a domain and the firmware apart", () => {
    expect(readConsoleLine("(XEN) hello", false)).toEqual({ source: "xen", text: "hello" });
    expect(readConsoleLine("(d0) hello", false)).toEqual({ source: 0, text: "hello" });
    expect(readConsoleLine("(d32752) hello", false)).toEqual({ source: 32752, text: "hello" });
    expect(readConsoleLine("SeaBIOS", false)).toEqual({ source: null, text: "SeaBIOS" });
    expect(readConsoleLine("say (d0) hello", false).source).toBeNull();
  });

  test("takes a record that nobody's name stands before for domain 0's, and only there", () => {
    expect(readConsoleLine("~x1 - 0 boot:", false)).toEqual({ source: 0, text: "~x1 - 0 boot:" });
    expect(readConsoleLine("say ~x1 - 0 boot:", false).source).toBeNull();
    expect(readConsoleLine("(XEN) ~x1 - 0 boot:", false).source).toBe("xen");
    expect(readConsoleLine("(d1) ~x1 - 0 boot:", false).source).toBe(1);
  });

  test.each([
    "[2024-01-02 03:04:05] ",
    "[2024-01-02 03:04:05.678] ",
    "[    1.234567] ",
    "[00000000deadbeef] ",
  ])("takes Xen's timestamp %s off, but only where Xen was told to write one", (stamp) => {
    expect(readConsoleLine(`(d0) ${stamp}text`, true).text).toBe("text");
    expect(readConsoleLine(`(d0) ${stamp}text`, false).text).toBe(`${stamp}text`);
  });

  test("leaves other brackets alone", () => {
    expect(readConsoleLine("(d0) [ok] text", true).text).toBe("[ok] text");
  });
});
