// What a guest prints, from its records to bytes and lines. Why: a line that is split, joined or loses a byte is another text
// than the guest wrote. Fails if what comes out differs from what went in, however it was cut into records.

import { describe, expect, test } from "vitest";

import { checksum, encodeRecord, RecordReader } from "../../../src/host/protocol/record.js";
import { TextOutput, type OutputStream } from "../../../src/host/protocol/text-output.js";
import { random } from "../../fixtures/random.js";

/** A record's lines, with a payload of any bytes. */
function outLines(kind: string, bytes: Uint8Array, seq: number): string[] {
  const payload = [...bytes]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
    .join("");
  const lines: string[] = [];
  for (let at = 0; at === 0 || at < payload.length; at += 90) {
    const part = payload.slice(at, at + 90);
    const last = at + 90 >= payload.length;
    const body = `~x1 n ${seq + lines.length} ${kind}${last ? ":" : "+"}${part}`;
    lines.push(`${body} #${checksum(body)}`);
  }
  return lines;
}

function printed(lines: string[]) {
  const reader = new RecordReader("n");
  const bytes: Record<OutputStream, Buffer[]> = { stdout: [], stderr: [] };
  const whole: string[] = [];
  const output = new TextOutput({
    onBytes: (some, stream) => bytes[stream].push(Buffer.from(some)),
    onLine: (line, stream) => whole.push(`${stream}: ${line}`),
  });
  const items = [...lines.flatMap((line) => reader.push(line)), ...reader.end()];
  for (const item of items) {
    expect(item.type).toBe("record");
    if (item.type === "record") output.take(item.record);
  }
  output.end();
  return {
    stdout: Buffer.concat(bytes.stdout),
    stderr: Buffer.concat(bytes.stderr),
    lines: whole,
    total: output.bytes,
  };
}

describe("what a guest prints", () => {
  test("is lines and bytes, each stream its own; an unfinished line is one at the end", () => {
    const log = encodeRecord({ kind: "log", payload: "whole" }, "n", 0);
    const result = printed([
      ...log,
      ...outLines("out", Buffer.from("a "), 1),
      ...outLines("err", Buffer.from("oops\nx"), 2),
      ...outLines("out", Buffer.from("line\n\nlast"), 3),
    ]);
    expect(result.stdout.toString()).toBe("whole\na line\n\nlast");
    expect(result.stderr.toString()).toBe("oops\nx");
    expect(result.lines).toEqual([
      "stdout: whole",
      "stderr: oops",
      "stdout: a line",
      "stdout: ",
      "stdout: last",
      "stderr: x",
    ]);
    expect(result.total).toBe(result.stdout.length + result.stderr.length);
  });

  test("a long line comes in pieces and is one", () => {
    const text = "漢".repeat(30_000);
    const pieces = [text.slice(0, 16_384), text.slice(16_384, 29_000)];
    const lines: string[] = [];
    for (const piece of pieces) lines.push(...outLines("out", Buffer.from(piece), lines.length));
    lines.push(...encodeRecord({ kind: "log", payload: text.slice(29_000) }, "n", lines.length));
    const result = printed(lines);
    expect(result.stdout.toString()).toBe(`${text}\n`);
    expect(result.lines).toEqual([`stdout: ${text}`]);
  });

  test("any bytes, cut anywhere, are what was written (seeded)", () => {
    const below = random(16);
    const lines: string[] = [];
    const written: Record<string, Buffer[]> = { out: [], err: [] };
    for (let i = 0; i < 2000; i++) {
      const kind = below(3) === 0 ? "err" : "out";
      const bytes = Buffer.from(Array.from({ length: below(200) }, () => below(256)));
      written[kind]?.push(bytes);
      lines.push(...outLines(kind, bytes, lines.length));
    }
    const result = printed(lines);
    expect(result.stdout.equals(Buffer.concat(written["out"] ?? []))).toBe(true);
    expect(result.stderr.equals(Buffer.concat(written["err"] ?? []))).toBe(true);
  });
});

describe("a line that is sent again by a guest that is about to die", () => {
  const lines = ["a", "b"].flatMap((payload, seq) =>
    encodeRecord({ kind: "log", payload }, "n", seq),
  );
  const [first = "", second = ""] = lines;
  const read = (...all: string[]) => {
    const reader = new RecordReader("n");
    return [...all.flatMap((line) => reader.push(line)), ...reader.end()].map((item) =>
      item.type === "record"
        ? item.record.payload
        : item.type === "damage"
          ? item.damage.kind
          : item.text,
    );
  };

  test.each([
    ["after the other", [first, second, `~again ${first}`, `~again ${second}`]],
    ["before it", [`~again ${first}`, `~again ${second}`, first, second]],
    ["without it", [first, `~again ${second}`]],
    ["ahead of its turn", [`~again ${second}`, first, second]],
  ])("counts once: %s", (_, all) => {
    expect(read(...all)).toEqual(["a", "b"]);
  });

  // Under xl, where the console passes through dom0, which was still at a flood's beginning when its end came by the port.
  test("counts once, however far the console is behind", () => {
    const all = Array.from({ length: 400 }, (_, seq) =>
      encodeRecord({ kind: "log", payload: String(seq) }, "n", seq),
    ).flat();
    const again = all.slice(-40).map((line) => `~again ${line}`);
    const reader = new RecordReader("n");
    const items = [...all.slice(0, 50), ...again, ...all.slice(50)].flatMap((line) =>
      reader.push(line),
    );
    expect([...items, ...reader.end()]).toHaveLength(400);
    expect(items.every((item) => item.type === "record")).toBe(true);
  });

  test("is damage if it was not marked, differs, or comes a third time", () => {
    const [other = ""] = encodeRecord({ kind: "log", payload: "c" }, "n", 0);
    expect(read(first, first)).toEqual(["a", "duplicate"]);
    expect(read(first, `~again ${other}`)).toEqual(["a", "duplicate"]);
    expect(read(`~again ${first}`, other)).toEqual(["a", "duplicate"]);
    expect(read(`~again ${first}`, first, first)).toEqual(["a", "duplicate"]);
  });
});
