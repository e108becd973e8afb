// A trap, an exception and a failed assertion are told with the lines of TypeScript that led there.
// Why: a guest has no debugger at hand; what it says when it ends is all there is. Lines go through four compilers, and
// each of them could lose or shift them. Fails if a line is another than the one that is written there.

import { copyFile, readFile, writeFile } from "node:fs/promises";
import { beforeAll, expect, test } from "vitest";

import { symbolizeBacktrace } from "../../src/host/elf/symbolize.js";
import { fieldsOf } from "../../src/host/protocol/record.js";
import { boot, build, scratch } from "./setup.js";

const SOURCE = "test/boot/guest/backtrace.ts";
let image: string;
let line: (name: string) => string;

beforeAll(async () => {
  image = await build(SOURCE);
  const lines = (await readFile(SOURCE, "utf8")).split("\n");
  line = (name) =>
    `backtrace.ts:${String(1 + lines.findIndex((text) => text.endsWith(`// line: ${name}`)))}`;
}, 60_000);

/** The places in the guest's own file, innermost first; `+`: gcc has made this function a part of the next. */
async function places(way: string, of = image): Promise<string[]> {
  const result = await boot(of, { cmdline: `way=${way}` });
  expect(result.verdict).toBe("crash");
  const record = result.records.find(({ kind }) => kind === "trap" || kind === "abort");
  const fields = record && fieldsOf(record);
  const frames = (fields?.get("frames") ?? "").split(",").map(BigInt);
  const stack = await symbolizeBacktrace(of, BigInt(fields?.get("rip") ?? 0), frames);
  return stack.flatMap(({ file, line: number, inlined }) =>
    file?.endsWith("backtrace.ts") === true
      ? [`backtrace.ts:${String(number)}${inlined ? "+" : ""}`]
      : [],
  );
}

const plain = (place: string): string => place.replace("+", "");
const callers = (): string[] => [line("recursion"), line("recursion"), line("book")];

test.each(["trap", "divide", "abort", "assert"])("%s", async (way) => {
  expect((await places(way)).map(plain)).toEqual([line(way), ...callers()]);
});

test("a trap in a function that gcc has made a part of its caller is told with both", async () => {
  // Binaryen, which loses the caller's line, leaves this function alone if it is asked for small code.
  await copyFile(SOURCE, scratch("backtrace.ts"));
  await writeFile(scratch("asconfig.json"), '{ "options": { "shrinkLevel": 1 } }');
  const [innermost, ...rest] = await places("inlined", await build(scratch("backtrace.ts")));
  expect(innermost).toBe(`${line("inlined")}+`);
  expect(rest.map(plain)).toEqual([line("inlined into"), ...callers()]);
});
