// Standard input: what the guest asks for, and nothing before. Why: a byte too many is lost to the next reader, and an end
// that does not come is a hang. Fails if bytes are lost or come unasked, or if it is not known that the guest waits.

import { setImmediate } from "node:timers/promises";
import { Readable } from "node:stream";
import { expect, test } from "vitest";

import { StandardInput, type Input } from "../../../src/host/boot/standard-input.js";

function inputOf(input: Input, most = Infinity) {
  const answers: string[] = [];
  const failures: unknown[] = [];
  const standard = new StandardInput(
    input,
    (text) => answers.push(text),
    most,
    (error) => failures.push(error),
  );
  const decoded = (): Buffer[] =>
    answers.map((text) => {
      expect(text).toMatch(/^[A-Za-z0-9+/]*;$/);
      return Buffer.from(text.slice(0, -1), "base64");
    });
  return { standard, answers, failures, decoded };
}

test("text and bytes are answered in parts, the end with nothing, as often as it is asked for", async () => {
  const bytes = Buffer.from([0, 255, 10, 13, 1, 128, 59]);
  const { standard, answers, decoded } = inputOf(bytes, 3);
  for (let i = 0; i < 5; i++) await standard.wanted(3072);
  expect(decoded().map((part) => part.length)).toEqual([3, 3, 1, 0, 0]);
  expect(Buffer.concat(decoded()).equals(bytes)).toBe(true);
  expect(answers.slice(3)).toEqual([";", ";"]);
});

test("no more than was asked for", async () => {
  const { standard, decoded } = inputOf("hello");
  await standard.wanted(2);
  await standard.wanted(100);
  expect(decoded().map(String)).toEqual(["he", "llo"]);
});

test("a stream is opened when the guest asks first, waited for, and closed", async () => {
  let opened = 0;
  const stream = new Readable({ read: () => undefined });
  const { standard, decoded } = inputOf(() => {
    opened++;
    return stream;
  });
  expect(opened).toBe(0);
  expect(standard.waiting).toBe(false);
  const first = standard.wanted(100);
  await setImmediate();
  expect([opened, standard.waiting]).toEqual([1, true]);
  stream.push("");
  stream.push("late");
  await first;
  expect(standard.waiting).toBe(false);
  expect(decoded().map(String)).toEqual(["late"]);
  const second = standard.wanted(100);
  standard.stop();
  await second;
  expect(stream.destroyed).toBe(true);
  expect(decoded()).toHaveLength(1);
});

test("a stream that fails is told", async () => {
  const { standard, failures } = inputOf(
    Readable.from(
      (function* () {
        yield "a";
        throw new Error("gone");
      })(),
    ),
  );
  await standard.wanted(1);
  await standard.wanted(1);
  expect(failures).toEqual([new Error("gone")]);
});
