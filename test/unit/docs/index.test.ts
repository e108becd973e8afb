// Lists that documentation keeps of the tree. What it shows: docs/README.md has every page once, and docs/dependencies.md every
// package of package.json and no other. Why it matters: a page that no list has is not found, and a dependency without a reason is
// one too many. How it would fail: a new page, a package that was added or dropped.

import { readFile, readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import { z } from "zod";

test("each page is in the reading order", async () => {
  const index = await readFile("docs/README.md", "utf8");
  const listed = [...index.matchAll(/\]\(([\w-]+\.md)\)/g)].map(([, page]) => page);
  const pages = (await readdir("docs")).filter(
    (file) => file.endsWith(".md") && file !== "README.md",
  );
  expect([...listed].sort()).toEqual(pages.sort());
});

test("each dependency has its reason", async () => {
  const packages = z.record(z.string(), z.string());
  const manifest = z
    .looseObject({ dependencies: packages, devDependencies: packages })
    .parse(JSON.parse(await readFile("package.json", "utf8")));
  const page = await readFile("docs/dependencies.md", "utf8");
  const table = (heading: string): string[] => {
    const [, section = ""] = page.split(`## ${heading}\n`);
    const [rows = ""] = section.split("\n## ");
    return [...rows.matchAll(/^\| (.*?) +\|/gm)]
      .flatMap(([, cell = ""]) => cell.split(", "))
      .filter((name) => name !== "package" && !/^-+$/.test(name))
      .sort();
  };
  expect(table("At run time")).toEqual(Object.keys(manifest.dependencies).sort());
  const types = (name: string): boolean => name.startsWith("@types/");
  expect(table("For development")).toEqual(
    Object.keys(manifest.devDependencies)
      .filter((name) => !types(name))
      .sort(),
  );
});
