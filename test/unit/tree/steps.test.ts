/**
 * Every test file is run by a step. What it shows: each belongs to one of vitest's projects, and each of those is a step
 * of `make test`, or one that is run by its name. Why it matters: a file that no project includes is never run, and
 * nothing says so. How it would fail: a folder without a project, a project that was lost in a merge.
 */
import { readdir } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import config from "../../../vitest.config.js";
import { longSteps, steps } from "../../runner/steps.js";

const projects = z
  .object({
    test: z.object({
      projects: z.array(
        z.object({ test: z.object({ name: z.string(), include: z.array(z.string()) }) }),
      ),
    }),
  })
  .parse(config)
  .test.projects.map((project) => project.test);

/** The folders that a pattern like `test/{a,b}/` and all below names. */
function foldersOf(pattern: string): string[] {
  const names = /^test\/(?:\{(?<several>[\w,]+)\}|(?<one>\w+))\/\*\*\/\*\.test\.ts$/.exec(pattern);
  return (names?.groups?.["several"] ?? names?.groups?.["one"] ?? "").split(",");
}

test("each test file is in the folder of exactly one project", async () => {
  const folders = projects.flatMap(({ include }) => include).flatMap(foldersOf);
  // What is below fixtures/ is run by tests, and is to fail.
  const files = (await readdir("test", { recursive: true })).filter(
    (name) => name.endsWith(".test.ts") && !name.startsWith("fixtures"),
  );
  expect(files.length).toBeGreaterThan(100);
  const strays = files.filter(
    (file) => folders.filter((folder) => file.split(path.sep)[0] === folder).length !== 1,
  );
  expect(strays).toEqual([]);
});

test("each project is a step", () => {
  const names = [...steps, ...longSteps].map(({ name }) => name);
  expect(projects.map(({ name }) => name).filter((name) => !names.includes(name))).toEqual([]);
});
