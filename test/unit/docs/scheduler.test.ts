// docs/scheduler.md's tables against the tests that it names, and against what the tests know of Xen's releases.
// Why: a table of answers is believed only as long as each row can be run. Fails if a row names a test that is
// not there, if a test of the scheduler is in no row, or if the page is not what the tables say: then
// `npx vitest run --project unit test/unit/docs -u` writes it again.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import { expect, test } from "vitest";

import { readPlan } from "../../../src/host/suites/conformance/plan.js";
import { DIFFERENCES } from "../../guest/_sched-versions.js";
import { OPERATIONS } from "./scheduler-table.js";

const top = fileURLToPath(new URL("../../../", import.meta.url));
const page = `${top}docs/scheduler.md`;

const FILES = [
  ...readdirSync(`${top}test/guest`)
    .filter((file) => /^sched-.*\.ts$/.test(file))
    .map((file) => `test/guest/${file}`),
  ...readdirSync(`${top}test/boot`)
    .filter((file) => /^sched-.*\.test\.ts$|^wake\.test\.ts$/.test(file))
    .map((file) => `test/boot/${file}`),
];

interface Named {
  file: string;
  group: string | null;
  /** `group › test`, or the test's name where it is in none. */
  name: string;
}

/** The tests of a file, in either language: groups are not nested in these. */
function namesIn(file: string, text = readFileSync(`${top}${file}`, "utf8")): Named[] {
  const names: Named[] = [];
  let group: string | null = null;
  const calls =
    /^(?<indent> *)(?<call>group|describe|test)(?:\.each\([^]*?\))?\(\s*"(?<name>(?:[^"\\]|\\.)*)"/gm;
  for (const { groups } of text.matchAll(calls)) {
    const { indent = "", call, name = "" } = groups ?? {};
    if (call !== "test") group = name;
    else if (indent === "") names.push({ file, group: null, name });
    else names.push({ file, group, name: `${group ?? ""} › ${name}` });
  }
  return names;
}

const tests = FILES.flatMap((file) => namesIn(file));
const isNamed = ({ group, name }: Named, reference: string): boolean =>
  reference === name || reference === group;
const references = OPERATIONS.flatMap(({ answers }) => answers.flatMap(({ tests }) => tests));

/** References that no test answers to, and tests that no reference names. */
function drift(named: Named[], referred: string[]): { missing: string[]; unnamed: string[] } {
  return {
    missing: referred.filter((reference) => !named.some((test) => isNamed(test, reference))),
    unnamed: named
      .filter((test) => !referred.some((reference) => isNamed(test, reference)))
      .map(({ name }) => name),
  };
}

test("every row names tests that are there, and every test is in a row", () => {
  expect(tests.length).toBeGreaterThan(80);
  expect(drift(tests, references)).toEqual({ missing: [], unnamed: [] });
});

test("control: a renamed test and a new one are found", () => {
  const [first, ...rest] = tests as [Named, ...Named[]];
  const renamed = { ...first, name: `${first.name} now`, group: null };
  expect(drift([renamed, ...rest], references)).toEqual({
    missing: [first.name],
    unnamed: [renamed.name],
  });
});

test("control: the names are read from either language", () => {
  const text = `group("a", () => {
  test("one", () => {});
  test(
    "two \\"quoted\\"",
  );
});
describe("b", () => {
  test.each([["x (y)", 1]])("three %s", () => {});
});
test("four", () => {});`;
  expect(namesIn("x.ts", text).map(({ name }) => name)).toEqual([
    "a › one",
    'a › two \\"quoted\\"',
    "b › three %s",
    "four",
  ]);
});

/** Answers of the runtime, which Xen does not give. */
const OWN = ["0, without the hypercall", "no timer is lost"];

test("every row of Xen's is a check of the sched suite, and every check of it is in a row", async () => {
  const { checks } = await readPlan();
  const planned = checks.filter(({ suite }) => suite === "sched").map(({ name }) => name);
  const answers = OPERATIONS.flatMap((operation) => operation.answers);
  expect(answers.flatMap((answer) => answer.checks).toSorted()).toEqual(planned.toSorted());
  const bare = answers.filter((answer) => answer.checks.length === 0);
  expect(bare.map(({ answer }) => answer)).toEqual(OWN);
});

function row(cells: string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function link(reference: string): string {
  const files = new Set(tests.filter((test) => isNamed(test, reference)).map(({ file }) => file));
  const places = [...files].map((file) => `[${file.replace(/^.*\//, "")}](../${file})`);
  return `${reference.replace("%s", "…")} (${places.join(", ")})`;
}

const TABLES: Record<string, () => string[]> = {
  // Kept from prettier, which would pad each line to the longest.
  operations: () => [
    "<!-- prettier-ignore-start -->",
    ...OPERATIONS.flatMap(({ name, call, argument, answers }) => [
      `### ${name}`,
      "",
      `${call}. Argument: ${argument}.`,
      "",
      row(["answer", "when", "shown by", "on any Xen by"]),
      row(["---", "---", "---", "---"]),
      ...answers.map(({ answer, when, tests, checks }) =>
        row([
          answer,
          when,
          tests.map(link).join("<br>"),
          checks.map((name) => `\`${name}\``).join("<br>"),
        ]),
      ),
      "",
    ]),
    "<!-- prettier-ignore-end -->",
  ],
  releases: () => [
    row(["operation", "since", "from then on", "before", "change"]),
    row(["---", "---", "---", "---", "---"]),
    ...DIFFERENCES.map(({ operation, major, minor, now, before, change }) =>
      row([operation, `${major}.${minor}`, now, before, change]),
    ),
  ],
};

test("docs/scheduler.md says what the tables say", async () => {
  const text = readFileSync(page, "utf8").replace(
    /(<!-- table: (\w+) -->)[^]*?(<!-- end -->)/g,
    (_all, begin: string, name: string, end: string) =>
      `${begin}\n\n${(TABLES[name]?.() ?? [`no table: ${name}`]).join("\n")}\n\n${end}`,
  );
  for (const name of Object.keys(TABLES)) expect(text).toContain(`<!-- table: ${name} -->`);
  const config = await resolveConfig(page);
  await expect(await format(text, { ...config, filepath: page })).toMatchFileSnapshot(page);
});
