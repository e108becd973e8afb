// docs/soft-reset.md against the list of checks and the table of known differences.
// Why: the page is what a reader takes a check's name to. Fails if the page is not what the tables say (then
// `npx vitest run --project unit test/unit/docs -u` writes it anew), if a check is named in no scenario, or if a
// scenario makes one that is not listed.

import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import { expect, test } from "vitest";

import { EXPECTATIONS, reviewExpectations } from "../../../src/matrix/expectations.js";
import { readPlan } from "../../../src/matrix/plan.js";

const top = fileURLToPath(new URL("../../../", import.meta.url));
const page = `${top}docs/soft-reset.md`;
const scenarios = `${top}src/conformance/scenarios`;
const { checks } = await readPlan();

const row = (cells: string[]): string => `| ${cells.join(" | ")} |`;
const code = (text: string): string => `\`${text}\``;

const TABLES: Record<string, () => string[]> = {
  checks: () => {
    const areas = [...new Set(checks.map(({ area }) => area))];
    return areas.flatMap((area) => [
      `## ${area}`,
      "",
      row(["check", "claim"]),
      row(["---", "---"]),
      ...checks
        .filter((check) => check.area === area)
        .map(({ name, title }) => row([code(name), title])),
      "",
    ]);
  },
  differences: () => [
    row(["observed", "by", "answers", "why"]),
    row(["---", "---", "---", "---"]),
    ...EXPECTATIONS.differences.map(({ what, reportedBy, answers, reason }) =>
      row([
        what,
        reportedBy
          .map(({ check, phase }) => code(check) + (phase === "control" ? ", its control" : ""))
          .join("<br>"),
        answers
          .map(
            ({ from, expected, means, commit }) =>
              `from ${from}: ${code(expected)}${means === "" ? "" : ` (${means})`}` +
              (commit === null ? "" : `, ${commit}`),
          )
          .join("<br>"),
        reason,
      ]),
    ),
  ],
  exemptions: () => [
    row(["check", "where", "why"]),
    row(["---", "---", "---"]),
    ...EXPECTATIONS.exemptions.map(({ check, phase, from, before, reason, source }) =>
      row([
        code(check) + (phase === "control" ? ", its control" : ""),
        [from === null ? "" : `from ${from}`, before === null ? "" : `before ${before}`]
          .filter((part) => part !== "")
          .join(", ") || "everywhere",
        `${reason} (${source})`,
      ]),
    ),
  ],
};

test("docs/soft-reset.md says what the tables say", async () => {
  const text = readFileSync(page, "utf8").replace(
    /(<!-- table: (\w+) -->)[^]*?(<!-- end -->)/g,
    (_all, begin: string, name: string, end: string) =>
      `${begin}\n\n${(TABLES[name]?.() ?? [`no table: ${name}`]).join("\n")}\n\n${end}`,
  );
  for (const name of Object.keys(TABLES)) expect(text).toContain(`<!-- table: ${name} -->`);
  const config = await resolveConfig(page);
  await expect(await format(text, { ...config, filepath: page })).toMatchFileSnapshot(page);
});

test("each check is made by a scenario, and each that a scenario makes is listed", () => {
  const made = new Set<string>();
  for (const file of readdirSync(scenarios))
    for (const [, name = ""] of readFileSync(`${scenarios}/${file}`, "utf8").matchAll(
      /"([a-z0-9-]+\/[a-z0-9-]+)"/g,
    ))
      if (!name.startsWith("xenlet/")) made.add(name);
  expect([...made].sort()).toEqual(checks.map(({ name }) => name).sort());
});

test("ninety checks or more, each with a control", () => {
  expect(checks.length).toBeGreaterThanOrEqual(90);
  expect(checks.filter(({ control }) => !control).map(({ name }) => name)).toEqual([]);
});

test("the table of differences names checks that there are", () => {
  expect(reviewExpectations(EXPECTATIONS, checks)).toEqual([]);
});
