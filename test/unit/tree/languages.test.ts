// Which of two languages a .ts file is in is said by its folder alone: below a folder named guest, and in examples/, it is
// AssemblyScript, elsewhere TypeScript for Node. What reads the folders (eslint, prettier, tsc) would treat a file in the
// wrong one by the rules of the other language. A file is recognised by what it imports, and by AssemblyScript's types.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import ts from "typescript";
import { expect, test } from "vitest";

const git = ["ls-files", "--cached", "--others", "--exclude-standard", "*.ts"];
const { stdout } = await promisify(execFile)("git", git);
const files = stdout.split("\n").filter((file) => file !== "" && !file.endsWith(".d.ts"));

/** The only rule there is. */
const isGuest = (file: string): boolean => /(^|\/)guest\/|^examples\//.test(file);

const GUEST_TYPES = new Set(["i32", "u32", "i64", "u64", "usize", "isize", "f64", "u8", "u16"]);
const HOST_MODULES = /^(?:node:|vitest$|execa$|zod$)/;

/** What in a file belongs to one of the languages only: types of AssemblyScript's, and modules of Node's. */
function signs(text: string): { guest: string[]; host: string[] } {
  const found = { guest: [] as string[], host: [] as string[] };
  const visit = (node: ts.Node): void => {
    if (ts.isTypeReferenceNode(node) && ts.isIdentifier(node.typeName)) {
      const { text: name } = node.typeName;
      if (GUEST_TYPES.has(name)) found.guest.push(name);
    }
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      const { text: module } = node.moduleSpecifier;
      if (HOST_MODULES.test(module)) found.host.push(module);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("x.ts", text, ts.ScriptTarget.ES2023));
  return found;
}

test("no file of the host is AssemblyScript, and no guest's file is Node's", async () => {
  const misplaced: string[] = [];
  for (const file of files) {
    const { guest, host } = signs(await readFile(file, "utf8"));
    const wrong = isGuest(file) ? host : guest;
    if (wrong.length > 0) misplaced.push(`${file}: ${wrong.join(", ")}`);
  }
  expect(misplaced).toEqual([]);
});

test("a file in the wrong folder would be found", () => {
  expect(signs("export function f(a: u32): void {}").guest).toEqual(["u32"]);
  expect(signs('import path from "node:path";').host).toEqual(["node:path"]);
  expect(signs("const text = `a: u32`; // b: i32")).toEqual({ guest: [], host: [] });
});

test("no two folders of the tests differ by a letter", () => {
  const inTests = files.filter((file) => file.startsWith("test/"));
  const names = new Set(inTests.flatMap((file) => file.split("/").slice(0, -1)));
  expect([...names].filter((name) => names.has(`${name}s`))).toEqual([]);
});
