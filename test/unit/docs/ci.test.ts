/**
 * docs/ci.md's examples. What it shows: they are this repository's own files, both are YAML, their jobs refer to one another, their matrix has every
 * version and every shard, and each command in them exists and takes its options. Why it matters: an example is
 * copied as it stands, and fails on other people's machines. How it would fail: a renamed option, a shard that
 * is in no job.
 */
import { readFile } from "node:fs/promises";
import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import type { Context } from "../../../src/host/cli/context.js";
import { matrixOutputs } from "../../../src/host/cli/matrix-outputs.js";
import { createProgram } from "../../../src/host/cli/program.js";
import { XEN_RELEASES } from "../../../src/host/debian/index.js";
import { parseShard } from "../../../src/host/suites/conformance/select.js";
import { steps as STEPS } from "../../runner/steps.js";

const page = await readFile("docs/ci.md", "utf8");
const makefile = await readFile("Makefile", "utf8");
const { engines } = JSON.parse(await readFile("package.json", "utf8")) as {
  engines: { node: string };
};
const OLDEST_NODE = engines.node.replace(">=", "");
const [github = "", gitlab = ""] = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(
  ([, text]) => text,
);

const Github = z.looseObject({
  on: z.array(z.enum(["push", "pull_request"])),
  env: z.record(z.string(), z.string()),
  jobs: z.record(
    z.string(),
    z.looseObject({
      "runs-on": z.string(),
      container: z.string(),
      needs: z.string().optional(),
      if: z.literal("always()").optional(),
      strategy: z
        .object({
          "fail-fast": z.literal(false),
          matrix: z.strictObject({
            node: z.array(z.string()).optional(),
            xen: z.array(z.string()).optional(),
            shard: z.array(z.string()).optional(),
          }),
        })
        .optional(),
      steps: z.array(
        z.strictObject({
          uses: z
            .string()
            .regex(/^actions\/[a-z-]+@v\d+$/)
            .optional(),
          with: z.record(z.string(), z.string()).optional(),
          if: z.literal("always()").optional(),
          run: z.string().optional(),
        }),
      ),
    }),
  ),
});

const GitlabJob = z.strictObject({
  stage: z.string(),
  image: z.string().optional(),
  timeout: z.string().optional(),
  when: z.literal("always").optional(),
  parallel: z
    .strictObject({
      matrix: z.array(
        z.strictObject({
          NODE: z.array(z.string()).optional(),
          XEN: z.array(z.string()).optional(),
          SHARD: z.array(z.string()).optional(),
        }),
      ),
    })
    .optional(),
  cache: z.strictObject({ key: z.string(), paths: z.array(z.string()) }).optional(),
  script: z.array(z.string()),
  needs: z.array(z.string()).max(0).optional(),
  artifacts: z.looseObject({ when: z.literal("always"), paths: z.array(z.string()) }).optional(),
});
const Gitlab = z.strictObject({
  image: z.string(),
  variables: z.record(z.string(), z.string()),
  stages: z.array(z.string()),
  test: GitlabJob,
  node: GitlabJob,
  conform: GitlabJob,
  report: GitlabJob,
});

const NOBODY: Context = {
  signal: new AbortController().signal,
  write: () => undefined,
  print: () => undefined,
  printJson: () => undefined,
  say: () => undefined,
  tell: () => undefined,
  exitWith: () => undefined,
};

/** Throws for an unknown command or option, and for a value that the option does not accept. */
async function check(line: string): Promise<void> {
  if (/[$]/.test(line)) throw new Error(`what is left to be put in: ${line}`);
  const words = line.split(" ");
  if (words[0] === "make") {
    const [, target = "", only, ...rest] = words;
    if (rest.length > 0 || !new RegExp(`^${target}:`, "m").test(makefile))
      throw new Error(`there is no target ${target}`);
    const step = only?.replace(/^ONLY=/, "");
    if (step !== undefined && !STEPS.some(({ name }) => name === step))
      throw new Error(`there is no step ${step}`);
    return;
  }
  if (words[0] === "npx") words.shift();
  if (words.shift() !== "xenlet") throw new Error(`what is this? ${line}`);
  let command: Command = await createProgram([], NOBODY);
  for (;;) {
    const inner = command.commands.find((one) => one.name() === words[0]);
    if (inner === undefined) break;
    command = inner.configureOutput({ writeErr: () => undefined, outputError: () => undefined });
    words.shift();
  }
  if (command.commands.length > 0) throw new Error(`there is no command ${words[0] ?? ""}`);
  const { operands, unknown } = command.parseOptions(words);
  if (unknown.length > 0) throw new Error(`${command.name()} does not take ${unknown.join(" ")}`);
  const least = command.registeredArguments.filter(({ required }) => required).length;
  const most = command.registeredArguments.some(({ variadic }) => variadic)
    ? Infinity
    : command.registeredArguments.length;
  if (operands.length < least || operands.length > most)
    throw new Error(`${command.name()} does not take ${operands.length} arguments`);
  matrixOutputs(command.opts());
}

/** Every combination, as the service makes them. */
function* combinations(xens: string[], shards: string[]): Generator<[string, string]> {
  for (const xen of xens) for (const shard of shards) yield [xen, shard];
}

function expectAllShards(xens: string[], shards: string[]): void {
  expect(xens).toEqual(XEN_RELEASES);
  expect(shards.map((text) => parseShard(text))).toEqual(
    shards.map((_, at) => ({ index: at + 1, of: shards.length })),
  );
}

test("the page shows the files that are used here", async () => {
  expect(github).toBe(await readFile(".github/workflows/ci.yml", "utf8"));
  expect(gitlab).toBe(await readFile(".gitlab-ci.yml", "utf8"));
});

test("GitHub's example", async () => {
  const { jobs, env } = Github.parse(parse(github));
  expect(Object.keys(jobs)).toEqual(["test", "node", "conform", "report"]);
  const { test: tests, node, conform, report } = jobs;
  for (const { run } of [...(tests?.steps ?? []), ...(node?.steps ?? [])])
    if (run !== undefined) await check(run);
  expect(conform?.container).toBe("node:22-bookworm");
  expect(node?.container).toBe("node:${{ matrix.node }}-bookworm");
  expect(node?.strategy?.matrix.node?.[0]).toBe(OLDEST_NODE);
  expect(report).toMatchObject({ needs: "conform", if: "always()" });
  const { xen = [], shard = [] } = conform?.strategy?.matrix ?? {};
  expectAllShards(xen, shard);
  for (const [version, part] of combinations(xen, shard))
    for (const { run } of conform?.steps ?? [])
      if (run !== undefined)
        await check(run.replace("${{ matrix.xen }}", version).replace("${{ matrix.shard }}", part));
  for (const { run } of report?.steps ?? []) if (run !== undefined) await check(run);

  // What one job leaves, the next one finds; and the cache is where the command looks for it.
  const step = (job: typeof conform, action: string) =>
    job?.steps.find(({ uses }) => uses?.startsWith(`actions/${action}@`));
  expect(step(conform, "upload-artifact")).toMatchObject({
    if: "always()",
    with: { path: "report.json" },
  });
  expect(conform?.steps.some(({ run }) => run?.endsWith("json=report.json"))).toBe(true);
  expect(step(report, "download-artifact")?.with).toEqual({ path: "reports" });
  expect(report?.steps.some(({ run }) => run?.includes("merge reports/*/report.json"))).toBe(true);
  expect(env["XENLET_CACHE"]).toBe(step(conform, "cache")?.with?.["path"]);
});

test("GitLab's example", async () => {
  const { conform, node, report, stages, test, variables, image } = Gitlab.parse(parse(gitlab));
  expect(image).toBe("node:22-bookworm");
  expect(node.image).toBe("node:$NODE-bookworm");
  expect(node.parallel?.matrix[0]?.NODE?.[0]).toBe(OLDEST_NODE);
  expect([test.stage, conform.stage, report.stage]).toEqual(stages);
  for (const line of [...test.script, ...node.script]) await check(line);
  expect(report.when).toBe("always");
  const { XEN: xens = [], SHARD: shards = [] } = conform.parallel?.matrix[0] ?? {};
  expectAllShards(xens, shards);
  for (const [version, part] of combinations(xens, shards))
    for (const line of conform.script)
      await check(
        line.replace("$XEN", version).replace("$SHARD", part).replace("$CI_NODE_INDEX", "1"),
      );
  for (const line of report.script) await check(line);
  expect(conform.artifacts?.paths).toEqual(["report-*.json"]);
  expect(report.script.join("\n")).toContain("merge report-*.json");
  expect(variables["XENLET_CACHE"]).toBe(`$CI_PROJECT_DIR/${conform.cache?.paths[0] ?? ""}`);
});

test("every other command on the page", async () => {
  const lines = [...page.matchAll(/^ {4}(xenlet .*)$/gm)].map(([, line = ""]) => line);
  expect(lines.length).toBeGreaterThan(3);
  for (const line of lines) await check(line);
});

describe("control: what could be wrong is found", () => {
  test.each([
    ["make conform-all", "no target conform-all"],
    ["make test ONLY=nodes", "no step nodes"],
    ["npx xenlet confirm --xen 4.17", "no command confirm"],
    ["npx xenlet report split x.json", "no command split"],
    ["npx xenlet conform --shards 1/2", "does not take --shards"],
    ["npx xenlet conform --shard 3/2", "Expected I/N"],
    ["npx xenlet conform --on moon", "Expected one or more of domu, xl, xl-hvm"],
    ["npx xenlet conform --output-file pdf=x", 'unknown reporter "pdf"'],
    ["npx xenlet conform --reporter tap --reporter junit", "both write to stdout"],
    ["npx xenlet conform 4.17", "does not take 1 arguments"],
    ["npx xenlet report merge", "does not take 0 arguments"],
    ["npx xenlet conform --xen $XEN", "left to be put in"],
    ["curl x", "what is this"],
  ])("%s", async (line, message) => {
    await expect(check(line)).rejects.toThrow(message);
  });
});
