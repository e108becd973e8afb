/**
 * Backtraces as people read them. What it shows: a recursion is reported once, with how often it follows, whether one
 * function calls itself or several call each other; what every guest is called by is left out; of the frames the
 * user's own is found. Why it matters: a stack has 65,000 frames when it overflows, and the line that is to be read
 * is at its end. How it would fail: frames of different lines folded into one, or the last line lost.
 */
import { describe, expect, test } from "vitest";

import {
  backtraceTexts,
  countRepeats,
  usersPlace,
  type TrapFrame,
} from "../../../src/host/protocol/trap.js";

function frame(text: string, more = 0): TrapFrame {
  const [, name = text, file = null, line = null] =
    /^(\S+)(?: \(([^:]*)(?::(\d+))?\))?$/.exec(text) ?? [];
  return {
    address: "0x1",
    text,
    function: name,
    file,
    line: line === null ? null : Number(line),
    more,
  };
}
const frames = (...texts: string[]): TrapFrame[] => texts.map((text) => frame(text));

describe("a recursion", () => {
  test("of one function, counted by the guest", () => {
    expect(
      backtraceTexts([frame("f (a.ts:1)"), frame("f (a.ts:1)", 74), frame("main (a.ts:9)")]),
    ).toEqual(["f (a.ts:1)", "… 75 more", "main (a.ts:9)"]);
  });

  test("of several that call each other", () => {
    const cycle = ["f (a.ts:1)", "g (a.ts:2)", "h (a.ts:3)"];
    expect(
      backtraceTexts(frames(...cycle, ...cycle, ...cycle, "f (a.ts:1)", "m (a.ts:9)")),
    ).toEqual([...cycle, "… 6 more", "f (a.ts:1)", "m (a.ts:9)"]);
  });

  test("that is entered again after another function keeps the count of each time", () => {
    const at = (address: string): TrapFrame => ({ ...frame("f (a.ts:1)"), address });
    // The second call has two frames: a function is inlined there.
    const all = ["0x9", "0x1", "0x1", "0x2", "0x1"].map(at);
    countRepeats(all, [
      { address: 9n, times: 1 },
      { address: 1n, times: 75 },
      { address: 2n, times: 1 },
      { address: 1n, times: 3 },
    ]);
    expect(all.map(({ more }) => more)).toEqual([0, 0, 74, 0, 2]);
  });

  test("that is short is not folded, nor is one of different lines", () => {
    const texts = ["f (a.ts:1)", "f (a.ts:1)", "f (a.ts:1)", "f (a.ts:2)", "f (a.ts:1)"];
    expect(backtraceTexts(frames(...texts))).toEqual(texts);
    expect(backtraceTexts([frame("f (a.ts:1)", 1)])).toEqual(["f (a.ts:1)", "f (a.ts:1)"]);
  });
});

test("what calls every guest is left out, unless there is nothing else", () => {
  const below = [
    "~start",
    "wasm_start (module.c:3)",
    "boot_main (main.c:2)",
    "start64 (start.S:1)",
  ];
  expect(backtraceTexts(frames("f (a.ts:1)", ...below))).toEqual(["f (a.ts:1)"]);
  expect(backtraceTexts(frames(...below))).toEqual(below);
});

test("the user's own place is the innermost that is neither a library's, nor C's, nor without a line", () => {
  const all = [
    "__get (~lib/array.ts:114)",
    "poke (poke.c:3)",
    "f (a.ts)",
    "g (b.ts:2)",
    "h (c.ts:3)",
  ];
  expect(usersPlace(frames(...all))).toBe("b.ts:2");
  expect(usersPlace(frames(...all.slice(0, 3)))).toBeNull();
});
