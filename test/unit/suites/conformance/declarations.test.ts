// How scenarios' declarations are read out of AssemblyScript. What it shows: literals, defaults, constants of the file and of
// declare.ts, and one sentence with file and line for what cannot be read. Why it matters: a check that is not found here is
// one that is never run. How it would fail: a declaration that is passed over in silence.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import {
  readDeclarations,
  type Declarations,
} from "../../../../src/host/suites/conformance/declarations.js";
import { suiteChecks } from "../../../../src/host/suites/conformance/select.js";
import { planned } from "./samples.js";

let folder: string;
let common: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "xenlet-declarations-"));
  common = path.join(folder, "declare.txt");
  await writeFile(
    common,
    `export const BY_DOM0 = "dom0 " + "has a part in it";
     export class CheckDeclaration { name: string = ""; title: string = ""; area: string = ""; notUnderXl: string = ""; broken: string = ""; }
     export class ScenarioDeclaration { name: string = ""; area: string = ""; suite: string = "reset"; vcpus: u32 = 1; memoryMiB: u32 = 8; costMs: u32 = 0; }`,
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(text: string): Promise<Declarations> {
  await writeFile(path.join(folder, "one.ts"), text);
  return readDeclarations(folder, common);
}

test("a scenario and its checks, with what they leave out", async () => {
  const { scenarios, checks } = await read(`import { BY_DOM0, scenario } from "../declare";
const MANY = 40;
const ONE = scenario({ name: "one", area: "Ones", vcpus: MANY, costMs: 2_000 });
const PLAIN = ONE.check({ name: "ones/plain", title: "A title " + "in two parts" });
const OTHER = ONE.check({ name: "ones/other", title: "Another", area: "Others", notUnderXl: BY_DOM0 });
export class One extends Scenario { constructor() { super(ONE); } }`);
  const one = { name: "one", area: "Ones", suite: "reset", vcpus: 40, memoryMiB: 8, costMs: 2000 };
  expect(scenarios).toEqual([{ ...one, file: "one.ts", line: 3 }]);
  expect(checks).toMatchObject([
    { name: "ones/plain", title: "A title in two parts", area: "Ones", notUnderXl: "" },
    { name: "ones/other", area: "Others", notUnderXl: "dom0 has a part in it" },
  ]);
});

describe("what cannot be read is said, with its place", () => {
  const of = (fields: string): string =>
    `const ONE = scenario({ name: "one", area: "Ones" });\nconst C = ONE.check({ ${fields} });`;
  test.each([
    ["a call", of(`name: "ones/x", title: title()`), "one.ts:2: title is neither a literal nor"],
    ["a name of the wrong form", of(`name: "ones", title: "A title"`), "one.ts:2: name"],
    ["no title", of(`name: "ones/x"`), "one.ts:2: title"],
    ["a field that there is not", of(`name: "ones/x", title: "T", colour: "red"`), "one.ts:2"],
    ["no literal", "const ONE = scenario(other);", "one.ts:1: expected a literal"],
  ])("%s", async (_what, text, message) => {
    await expect(read(text)).rejects.toThrow(message);
  });
});

test("suites: the default, several, all, and one that there is not", () => {
  const plan = [
    planned("x/a"),
    planned("x/b", { suite: "sched" }),
    planned("x/c", { suite: "endurance" }),
  ];
  const names = (suites: string[] | undefined, filtered = false) =>
    suiteChecks(plan, suites, filtered).map(({ name }) => name);
  expect(names(undefined)).toEqual(["x/a"]);
  expect(names(undefined, true)).toEqual(["x/a", "x/b", "x/c"]);
  expect(names(["sched", "endurance"])).toEqual(["x/b", "x/c"]);
  expect(names(["all"])).toEqual(["x/a", "x/b", "x/c"]);
  expect(() => names(["shed"])).toThrow(
    'unknown suite "shed": expected reset, sched, endurance, all',
  );
});
