// Which of two languages a .ts file is in is said by its folder alone: below a folder named guest, and in examples/, it is
// AssemblyScript, elsewhere TypeScript for Node. What reads the folders (eslint, prettier, tsc) would treat a file in the
// wrong one by the rules of the other language. A file is told by what it imports, and by AssemblyScript's types.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const listed = await promisify(execFile)("git", [
  "ls-files",
  "--cached",
  "--others",
  "--exclude-standard",
  "*.ts",
]);
const files = listed.stdout.split("\n").filter((file) => file !== "" && !file.endsWith(".d.ts"));

/** The only rule there is. */
export const isGuest = (file: string): boolean => /(^|\/)guest\/|^examples\//.test(file);

const GUEST_IMPORT = /^(?:import|export)[^"]* from "xenlet(?:\/[^"]*)?";/m;
const HOST_IMPORT = /^import[^"]* from "(?:node:|vitest|execa|zod)[^"]*";/m;
const GUEST_TYPE = /^(?!\s*(?:\/\/|\*)).*[:<]\s*(?:i32|u32|u64|i64|usize|bool)\b(?=[\s,;)=>])/m;

test.each(files.filter((file) => !isGuest(file)))("%s is TypeScript for Node", async (file) => {
  const text = withoutStrings(await readFile(file, "utf8"));
  expect(text).not.toMatch(GUEST_TYPE);
});

test.each(files.filter(isGuest))("%s is AssemblyScript", async (file) => {
  expect(await readFile(file, "utf8")).not.toMatch(HOST_IMPORT);
});

test("a file in the wrong folder would be found", () => {
  expect('import { sched } from "xenlet";\nexport function f(a: u32): void {}').toMatch(GUEST_TYPE);
  expect('import { sched } from "xenlet";').toMatch(GUEST_IMPORT);
  expect('import path from "node:path";').toMatch(HOST_IMPORT);
});

test("no two folders of the tests differ by a letter", () => {
  const folders = [
    ...new Set(
      files
        .filter((file) => file.startsWith("test/"))
        .map((file) => file.split("/").slice(0, -1).join("/")),
    ),
  ];
  const names = [...new Set(folders.flatMap((folder) => folder.split("/")))];
  const close = names.flatMap((one) =>
    names.filter((other) => other === `${one}s`).map((other) => `${one} ~ ${other}`),
  );
  expect(close).toEqual([]);
});

/** Texts of the other language stand in strings, where they may. */
function withoutStrings(text: string): string {
  return text
    .replace(/`(?:\\.|[^`\\])*`/gs, "``")
    .replace(/"(?:\\.|[^"\\\n])*"/g, '""')
    .replace(/'(?:\\.|[^'\\\n])*'/g, "''");
}
