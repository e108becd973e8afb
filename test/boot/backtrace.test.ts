// A trap, an exception, a failed assertion and a hang are reported with the lines of TypeScript that led there.
// Why: a guest has no debugger at hand; what it says when it ends is all there is. Lines go through four compilers, and
// each of them could lose, shift or merge them. Fails if a line is another than the one that is written there.

import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";

import { backtraceTexts, type TrapFrame } from "../../src/host/protocol/trap.js";
import { boot, build } from "./setup.js";

const SOURCE = "test/boot/guest/backtrace.ts";
let image: string;
let line: (name: string) => string;

beforeAll(async () => {
  image = await build(SOURCE);
  const lines = (await readFile(SOURCE, "utf8")).split("\n");
  line = (name) =>
    `backtrace.ts:${String(1 + lines.findIndex((text) => text.endsWith(`// line: ${name}`)))}`;
}, 120_000);

const run = (way: string, of = image) => boot(of, { cmdline: `way=${way.replaceAll(" ", "_")}` });

/** The places in the guest's own file, innermost first. */
function places(frames: readonly TrapFrame[]): string[] {
  return frames.flatMap((frame) => {
    const place = `${frame.file ?? ""}:${String(frame.line)}`;
    return place.startsWith("backtrace.ts") ? Array<string>(1 + frame.more).fill(place) : [];
  });
}

const callers = (): string[] => [line("recursion"), line("recursion"), line("book"), line("main")];

describe("the user's own line comes first, and all that led there:", () => {
  test.each([
    ["trap"],
    ["divide"],
    ["abort"],
    ["assert"],
    ["no key"],
    ["inlined", "inlined into"],
    // Equal code that is not merged.
    ...["index 0", "index 1", "index 2", "left", "right", "loop"].map((way) => [
      way,
      `calls ${way}`,
    ]),
    ["head", "first head", "calls first head"],
    ["head", "second head", "calls second head"],
  ])("%s, %s", async (...lines) => {
    const way = lines.find((name) => name.endsWith(" head")) ?? lines[0] ?? "";
    const { verdict, message, trap } = await run(way);
    expect(verdict).toBe("crash");
    expect(places(trap?.frames ?? [])).toEqual([...lines.map(line), ...callers()]);
    expect(/\w+\.ts:\d+/.exec(message)?.[0]).toBe(line(lines[0] ?? ""));
  });

  test("at the top level of a file", async () => {
    const { message, trap } = await run("top level");
    expect(places(trap?.frames ?? [])).toEqual([line("top level")]);
    expect(message).toBe(`the guest aborted at ${line("top level")}: Index out of range`);
    expect(backtraceTexts(trap?.frames ?? [])).toEqual([
      expect.stringMatching(/^Array<i32>#__get \(~lib\/array\.ts:\d+\)$/) as string,
      `top level (${line("top level")})`,
    ]);
  });

  test("of a loop that nothing leaves", async () => {
    const { message } = await boot(image, { cmdline: "way=hang", timeoutMs: 2000 });
    expect(message).toMatch(new RegExp(`vCPU 0 was at top level \\(${line("hang")}\\)$`));
  });
});

test("a recursion without end is told once, with how often, and with what began it", async () => {
  const { trap, message } = await boot(await build("test/boot/guest/recursion.ts"));
  expect(message).toMatch(/^the guest trapped at recursion\.ts:2: stack-overflow/);
  const texts = backtraceTexts(trap?.frames ?? []);
  expect(texts).toEqual([
    "deeper (recursion.ts:2)",
    expect.stringMatching(/^… \d{4,} more$/) as string,
    "top level (recursion.ts:4)",
  ]);
});
