/**
 * `--watch` as it is used: an editor saves, and the guest, or the tests that the file belongs to, run again. Why it
 * matters: it is how people write code. How it would fail: a saved import that is not noticed, a mistake in between that
 * ends the command, a file that was not saved run again, a command that Ctrl-C does not end.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { eventually } from "../fixtures/stand-ins.js";
import "./setup.js"; // Xen and QEMU are unpacked

// The first run may have to compile the toolstack, and to make the state that later ones are restored from.
vi.setConfig({ testTimeout: 600_000 });

const CLI = path.resolve("dist/cli.js");
/** It is not expected to be reached. */
const GENEROUS_MS = 150_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "xenlet-watch-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const save = (name: string, text: string): Promise<void> =>
  writeFile(path.join(folder, name), text);

function start(...args: string[]) {
  const child = execa("node", [CLI, ...args], {
    cwd: folder,
    reject: false,
    stdin: "ignore",
    all: true,
    buffer: false,
  });
  let text = "";
  child.all.on("data", (chunk) => (text += stripVTControlCharacters(String(chunk))));
  return {
    child,
    /** Waits for what matches, and returns what came since the last call. */
    said: async (pattern: RegExp): Promise<string> => {
      const found = await eventually(() => pattern.test(text), GENEROUS_MS);
      const before = text;
      expect(found, `${String(pattern)} in ${before}`).toBe(true);
      text = "";
      return before;
    },
  };
}

const WAITS = /waiting for a change \(Ctrl-C ends it\)\n$/;

test("run --watch: an import is saved, then a mistake, then what mends it; Ctrl-C ends it", async () => {
  await save("main.ts", 'import { word } from "./word";\nconsole.log(word);\n');
  await save("word.ts", 'export const word = "one";\n');
  const { child, said } = start("run", "--watch", "main.ts");
  expect(await said(WAITS)).toMatch(/^one$/m);

  await save("word.ts", 'export const word = "two";\n');
  const second = await said(WAITS);
  expect(second).toMatch(/^xenlet: saved: word\.ts$/m);
  expect(second).toMatch(/^two$/m);

  await save("word.ts", "export const word = 2 +;\n");
  expect(await said(WAITS)).toMatch(/ERROR TS\d+[^]* in word\.ts/);
  await save("word.ts", 'export const word = "three";\n');
  expect(await said(WAITS)).toMatch(/^three$/m);

  child.kill("SIGINT");
  expect(await child).toMatchObject({ signal: "SIGINT" });
});

test("run --watch: a trap is told at the line where it is, as in an image that is built with all optimization", async () => {
  await save(
    "trap.ts",
    "function third(list: i32[]): i32 {\n  return list[2];\n}\nconsole.log(third([1]).toString());\n",
  );
  const once = await execa("node", [CLI, "run", "trap.ts"], { cwd: folder, reject: false });
  const sentence = /^xenlet: .*trap\.ts:2.*(?= \()/m.exec(stripVTControlCharacters(once.stderr));
  expect(sentence, once.stderr).not.toBeNull();
  const { child, said } = start("run", "--watch", "trap.ts");
  expect(await said(WAITS)).toContain(sentence?.[0]);
  child.kill("SIGINT");
  await child;
});

test("test --watch: only the tests that the saved file belongs to", async () => {
  await mkdir(path.join(folder, "test"));
  const file = (name: string): string =>
    `import { test, expect } from "xenlet/test";\nimport { n } from "../${name}";\n` +
    `test("${name} is 1", () => { expect(n).toBe(1); });\n`;
  await save("a.ts", "export const n = 1;\n");
  await save("b.ts", "export const n = 1;\n");
  await save("test/a.ts", file("a"));
  await save("test/b.ts", file("b"));
  const { child, said } = start("test", "--watch", "test");
  const all = await said(WAITS);
  expect(all).toContain("✓ a is 1");
  expect(all).toContain("✓ b is 1");

  await save("b.ts", "export const n = 2;\n");
  const again = await said(WAITS);
  expect(again).toContain("✗ b is 1");
  expect(again).not.toContain("a is 1");

  child.kill("SIGTERM");
  expect(await child).toMatchObject({ signal: "SIGTERM" });
});

test.each([
  [["run", "--watch", "--json", "x.ts"], "--json"],
  [["run", "--watch", "--dry-run", "x.ts"], "--dry-run"],
])("%s is refused", async (args, flag) => {
  const { exitCode, stderr } = await execa("node", [CLI, ...args], { cwd: folder, reject: false });
  expect(stripVTControlCharacters(stderr)).toBe(`xenlet: --watch cannot be combined with ${flag}`);
  expect(exitCode).toBe(123);
});
