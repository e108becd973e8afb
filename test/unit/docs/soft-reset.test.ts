/**
 * docs/soft-reset.md's tables against the list of checks and the table of differences. Why it matters: the page
 * says what Xen does, and is believed only as far as it is what is checked. How it would fail: a check that is on
 * no page, a scenario without a source. `npx vitest run --project unit test/unit/docs -u` writes the page anew.
 */
import { readFile, readdir } from "node:fs/promises";
import { format, resolveConfig } from "prettier";
import { expect, test } from "vitest";
import { EXPECTATIONS, type Answer } from "../../../src/host/suites/conformance/expectations.js";
import { readPlan } from "../../../src/host/suites/conformance/plan.js";

const PAGE = "docs/soft-reset.md";
const SCENARIOS = "src/guest/conformance/scenarios";

const { checks, scenarios } = await readPlan();
const sources = await Promise.all(
  (await readdir(SCENARIOS)).sort().map(async (file) => ({
    file: `${SCENARIOS}/${file}`,
    text: await readFile(`${SCENARIOS}/${file}`, "utf8"),
  })),
);

/** The files that have that scenario. */
function filesOf(scenario: string): string[] {
  return sources
    .filter(({ text }) => text.includes(`super("${scenario}")`))
    .map(({ file }) => file);
}

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
      row(["check", "claim", "", "scenario"]),
      row(["---", "---", "---", "---"]),
    ];
    for (const { name, title, control } of checks.filter((check) => check.area === area)) {
      const scenario = scenarios.get(name) ?? "";
      const links = filesOf(scenario).map((file) => `[${scenario}](../${file})`);
      yield row([`\`${name}\``, title, control ? "◆" : "", links.join(", ")]);
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

test("every scenario is in one source, which begins by saying what it is about", () => {
  for (const scenario of new Set(scenarios.values())) {
    const files = filesOf(scenario);
    expect({ scenario, files: files.length }).toEqual({ scenario, files: 1 });
    const text = sources.find(({ file }) => file === files[0])?.text ?? "";
    expect(text.split("\n").findIndex((line) => !line.startsWith("//"))).toBeGreaterThan(1);
  }
});

test("control: a scenario without a source is noticed", () => {
  expect(filesOf("no-such-scenario")).toEqual([]);
});

test("names are said once, claims are sentences, and no check is without a control and unsaid", () => {
  expect(new Set(checks.map(({ name }) => name)).size).toBe(checks.length);
  expect(new Set(checks.map(({ title }) => title)).size).toBe(checks.length);
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

test("a check that a scenario makes is listed, and one that is listed is made", () => {
  const made = new Set(
    sources.flatMap(({ text }) =>
      [...text.matchAll(/"([a-z0-9-]+\/[a-z0-9-]+)"/g)]
        .map(([, name = ""]) => name)
        .filter((name) => !name.startsWith("xenlet/")),
    ),
  );
  expect([...made].sort()).toEqual(checks.map(({ name }) => name).sort());
});
