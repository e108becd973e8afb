/**
 * docs/races.md against the pairs that there are. Why it matters: the page says which advisory is looked for, and where. How it
 * would fail: a pair that is on no page, a page that names one that no longer exists.
 */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { readPlan } from "../../../src/host/suites/conformance/plan.js";

test("each pair is on the page, and each on the page is one", async () => {
  const page = await readFile("docs/races.md", "utf8");
  const named = new Set([...page.matchAll(/`(races\/[a-z0-9-]+)`/g)].map(([, name]) => name));
  const pairs = (await readPlan()).checks.filter(({ suite }) => suite === "races");
  expect([...named].sort()).toEqual(pairs.map(({ name }) => name).sort());
});
