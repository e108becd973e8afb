/**
 * docs/soft-reset.md's tables against the list of checks and the table of differences. Why it matters: the page
 * says what Xen does, and is believed only as far as it is what is checked. How it would fail: a check that is on
 * no page, a scenario without a source. `npx vitest run --project unit test/unit/docs -u` writes the page again.
 */
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { format, resolveConfig } from "prettier";
import { expect, test } from "vitest";
import { EXPECTATIONS, type Answer } from "../../../src/host/suites/conformance/expectations.js";
import { readPlan, SCENARIOS as FOLDER } from "../../../src/host/suites/conformance/plan.js";

const PAGE = "docs/soft-reset.md";
const SCENARIOS = path.relative(".", FOLDER);

const { checks: all, declared, scenarios: every } = await readPlan();
/** Those of two vCPUs at once have a page of their own: races.test.ts. */
const checks = all.filter(({ suite }) => suite !== "races");
const scenarios = every.filter(({ suite }) => suite !== "races");
const sources = await Promise.all(
  (await readdir(SCENARIOS)).sort().map(async (file) => ({
    file: `${SCENARIOS}/${file}`,
    text: await readFile(`${SCENARIOS}/${file}`, "utf8"),
  })),
);

function row(cells: string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function since({ from, expected, means, commit }: Answer, at: number): string {
  const value = means === "" ? expected : means;
  return `${at === 0 ? "" : `from ${from}: `}${value}${commit === null ? "" : ` (\`${commit}\`)`}`;
}

function* checkTables(): Generator<string> {
  // Kept from prettier, which would pad each line to the longest.
  yield "<!-- prettier-ignore-start -->";
  for (const area of new Set(checks.map((check) => check.area))) {
    yield* [
      `### ${area}`,
      "",
      row(["check", "claim", "", "broken once", "scenario"]),
      row(["---", "---", "---", "---", "---"]),
    ];
    for (const { name, title, control } of checks.filter((check) => check.area === area)) {
      const check = declared.get(name);
      const { name: scenario = "", file = "" } = check?.scenario ?? {};
      const link = `[${scenario}](../${SCENARIOS}/${file})`;
      yield row([`\`${name}\``, title, control ? "◆" : "", check?.broken ?? "", link]);
    }
    yield "";
  }
  yield "<!-- prettier-ignore-end -->";
}

const TABLES: Record<string, () => string[]> = {
  checks: () => [...checkTables()],
  differences: () => [
    "<!-- prettier-ignore-start -->",
    row(["observed", "what", "answers", "why", "by"]),
    row(["---", "---", "---", "---", "---"]),
    ...EXPECTATIONS.differences.map(({ value, what, answers, reason, reportedBy }) =>
      row([
        `\`${value}\``,
        what,
        answers.map(since).join("<br>"),
        reason,
        reportedBy
          .map(({ check, phase }) => `\`${check}\`${phase === "control" ? ", its control" : ""}`)
          .join("<br>"),
      ]),
    ),
    "<!-- prettier-ignore-end -->",
  ],
  exemptions: () => [
    "<!-- prettier-ignore-start -->",
    row(["check", "on", "why", "source"]),
    row(["---", "---", "---", "---"]),
    ...EXPECTATIONS.exemptions.map(({ check, phase, on, from, before, reason, source }) =>
      row([
        `\`${check}\`${phase === "control" ? ", its control" : ""}`,
        [
          ...(on ?? []),
          ...(from === null ? [] : [`from ${from}`]),
          ...(before === null ? [] : [`before ${before}`]),
        ].join(", ") || "everywhere",
        reason,
        /^[0-9a-f]{10,}$/.test(source) ? `\`${source}\`` : source,
      ]),
    ),
    "<!-- prettier-ignore-end -->",
  ],
};

test("every scenario's source begins by saying what it is about, and the program knows it", async () => {
  const list = await readFile(`${SCENARIOS}/../list.ts`, "utf8");
  for (const { file, text } of sources) {
    expect(text.split("\n").findIndex((line) => !line.startsWith("//"))).toBeGreaterThan(1);
    for (const [, name = ""] of text.matchAll(/^export class (\w+) extends/gm))
      expect(`${file}: ${list}`).toContain(`new ${name}(),`);
  }
  expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length);
});

test("each claim is a sentence of its own, and is said once", () => {
  const titles = checks.map(({ title }) => title);
  expect(new Set(titles).size).toBe(titles.length);
  const leaning = /^(and|so|nor|but|then|it|its|one|that|this|those|these|until then)\b/i;
  expect(titles.filter((title) => leaning.test(title) || title.endsWith("."))).toEqual([]);
  expect(titles.filter((title) => title.split(" ").length < 4)).toEqual([]);
});

test("docs/soft-reset.md says what the tables say", async () => {
  const text = (await readFile(PAGE, "utf8")).replace(
    /(<!-- table: (\w+) -->)[^]*?(<!-- end -->)/g,
    (_all, begin: string, name: string, end: string) =>
      `${begin}\n\n${(TABLES[name]?.() ?? [`no table: ${name}`]).join("\n")}\n\n${end}`,
  );
  for (const name of Object.keys(TABLES)) expect(text).toContain(`<!-- table: ${name} -->`);
  const config = await resolveConfig(PAGE);
  await expect(await format(text, { ...config, filepath: PAGE })).toMatchFileSnapshot(
    `../../../${PAGE}`,
  );
});

test("each declared check is reported somewhere", () => {
  for (const { text } of sources)
    for (const [, name = ""] of text.matchAll(/^const (\w+) = \w+\.check\(/gm))
      expect([name, text.match(new RegExp(`\\b${name}\\b`, "g"))?.length]).not.toEqual([name, 1]);
});
