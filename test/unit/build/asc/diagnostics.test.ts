/**
 * Help under asc's messages. What it shows: for each part of JavaScript that a guest does not have, the real asc's
 * message gets the one line that says what works. Why it matters: "Expression expected" under `async` sends nobody the
 * right way. How it would fail: an asc whose words have changed, a rule that fits what it is not meant for.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { compileGuest } from "../../../../src/host/build/asc/compile.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "xenlet-help-"));
  vi.stubEnv("XENLET_CACHE", path.join(folder, "cache"));
  vi.stubEnv("CI", "true"); // asc then colours its messages, even in a pipe
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

/** What compiling it says. */
async function messageOf(source: string): Promise<string> {
  const entry = path.join(folder, "main.ts");
  await writeFile(entry, `${source}\n`);
  return compileGuest({ entry, cache: false }).then(
    () => "",
    (error: unknown) => (error as Error).message,
  );
}

describe("what a guest does not have is told with what works:", { timeout: 120_000 }, () => {
  test.each([
    [
      "closures",
      "function f(): i32 {\n  let n = 1;\n  const g = (): i32 => n + 1;\n  return g();\n}\nf();",
      "make them global",
    ],
    ["for-of", "const a = [1];\nfor (const x of a) trace(x.toString());", "for (let i = 0;"],
    ["try/catch", 'try {\n  throw new Error("x");\n} catch (e) {}', "return an error code"],
    ["async", "export async function f(): Promise<void> {}", "callbacks"],
    ["await", "function g(): void {}\n  await g();", "callbacks"],
    ["Promise", "export const p = new Promise<i32>((r) => {});", "callbacks"],
    ["a regular expression", 'trace("a".replace(/b/, "x"));', "indexOf"],
    ["JSON", 'trace(JSON.stringify("x"));', "assemblyscript-json"],
    ["an import of .js", 'import { a } from "./lib.js";\ntrace(a);', "without .js"],
    [
      "Node's modules",
      'import { readFileSync } from "node:fs";\ntrace(readFileSync("x"));',
      "Node's modules",
    ],
    ["a package that is not there", 'import { a } from "lodash";\ntrace(a);', "node_modules"],
    ["numbers as text", "console.log(5);", "x.toString()"],
    ["text and a number", 'let n: i32 = 5;\n  console.log("n " + n);', "x.toString()"],
    ["any", "export let x: any = 5;", "name it"],
    ["unions", "export function f(x: string | number): void {}", "the only union"],
    [
      "?.",
      "class P { x: i32 = 1 }\nlet p: P | null = null;\nexport const y = p?.x;",
      "test for null",
    ],
    [
      "null",
      "class P { x: i32 = 1 }\nexport function f(p: P | null): i32 { return p.x; }",
      "it may be null",
    ],
    ["destructuring", "const [a, b] = [1, 2];", "const x = point.x"],
    ["BigInt", "export const x = 10n;", "i64 and u64"],
    ["lossy conversions", "export const x: i32 = 1.5;", "as i32"],
  ])("%s", async (_name, source, help) => {
    const [line = ""] = /^ {3}help: .*$/m.exec(await messageOf(source)) ?? [];
    expect(line).toContain(help);
  });

  test("each help once, however often it applies", async () => {
    const message = await messageOf("console.log(5);\nconsole.log(6);");
    expect(message.match(/TS2322/g)).toHaveLength(2);
    expect(message.match(/help: /g)).toHaveLength(1);
  });

  test("the control: an error of another kind has none", async () => {
    const message = await messageOf("export const x: i32 = nothing;\nexport const s: string = 5;");
    expect(message).toContain("Cannot find name 'nothing'");
    expect(message).toContain("TS2322");
    expect(message).not.toContain("help:");
  });
});
