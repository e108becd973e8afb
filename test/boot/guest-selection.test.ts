// Which tests of a file are run, what is around them, and a test that ends its boot: test/boot/guest/selection/.
// Why: a test that is left out by mistake looks like one that passes. Fails if a hook runs too often or not at all, if
// only() or a filter lets another test through, if a trap that was expected ends the file, or if one that was not passes.

import { expect, test } from "vitest";

import { testsOf, type FileResult } from "../../src/host/suites/guest-tests/model.js";
import { runTestFiles, type RunOptions } from "../../src/host/suites/guest-tests/run-files.js";
import { qemu, xen } from "./setup.js";

const FOLDER = "test/boot/guest/selection";

async function run(name: string, options: Partial<RunOptions> = {}): Promise<FileResult> {
  const { files } = await runTestFiles([`${FOLDER}/${name}.ts`], {
    xen,
    qemu,
    jobs: 1,
    ...options,
  });
  const [file] = files;
  if (file === undefined) throw new Error("no file was run");
  return file;
}

function statuses({ children }: FileResult): string[] {
  return testsOf(children).map((one) => `${[...one.groups, one.name].join(" › ")}: ${one.status}`);
}

test("hooks, matchers, and traps that were expected, over three boots: one file's results", async () => {
  const result = await run("all");
  expect(result.problem).toBeNull();
  expect(statuses(result)).toEqual([
    "hooks › run around each test: passed",
    "hooks › inside › run outermost first: passed",
    "hooks › are gone with their group: passed",
    "matchers: passed",
    "is skipped: skipped",
    "traps › at address 0: passed",
    "traps › between them: passed",
    "traps › an assert: passed",
    "traps › behind them: passed",
    "a trap that does not come: failed",
    "long values: failed",
    "lone \ufffd half: passed",
  ]);
  expect(result.children.filter(({ type }) => type === "group")).toHaveLength(2);
  expect(result.output).toContain("the group is over after 3");
  const [trap, long] = testsOf(result.children)
    .flatMap(({ assertions }) => assertions)
    .filter(({ ok }) => !ok);
  expect(trap).toMatchObject({ expected: "a trap: unreachable", actual: "none" });
  for (const [shown, letter] of [
    [long?.expected, "y"],
    [long?.actual, "x"],
  ] as const) {
    expect(shown?.length).toBeLessThan(600);
    expect(shown).toMatch(new RegExp(`^…a+${letter}a+… \\(6003 characters\\)$`));
  }
});

test("only() counts for the whole file", async () => {
  const result = await run("only");
  expect(result.problem).toBeNull();
  expect(statuses(result)).toEqual([
    "before: skipped",
    "a group › beside: skipped",
    "a group › alone: passed",
    "all of these › one: passed",
  ]);
});

test("only() can be forbidden: nothing is booted", async () => {
  const result = await run("only", { forbidOnly: true });
  expect(result.problem).toMatchObject({
    kind: "input",
    message: `test.only() is forbidden here (--forbid-only): ${FOLDER}/only.ts:11`,
  });
  expect(result.log).toBeNull();
});

test("a filter picks by name, groups included", async () => {
  const result = await run("all", { filters: ["hooks * each*", "matchers"] });
  expect(result.problem).toBeNull();
  const passed = statuses(result).filter((line) => line.endsWith("passed"));
  expect(passed).toEqual(["hooks › run around each test: passed", "matchers: passed"]);
  expect(statuses(result)).toHaveLength(12);
});

test("--bail: no test behind the first failed one, and no file", async () => {
  const { files } = await runTestFiles(
    ["test/boot/guest/failing/assertions.ts", `${FOLDER}/all.ts`],
    { xen, qemu, jobs: 1, bail: 1 },
  );
  expect(testsOf(files[0]?.children ?? []).map(({ status }) => status)).toEqual([
    "failed",
    ...Array<string>(4).fill("skipped"),
  ]);
  expect(files[1]).toMatchObject({ children: [], notRun: "enough tests have failed (--bail)" });
});
