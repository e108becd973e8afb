/**
 * Progress, in every place it may be shown in. Why it matters: a spinner in a
 * log is noise, and one on an odd terminal can hang the command. How it would
 * fail: escape codes in a pipe, a terminal without a size, Ctrl-C swallowed.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../../fixtures/stand-ins.js";

const top = fileURLToPath(new URL("../../..", import.meta.url));
let bundle: string;
let program: string;

beforeAll(async () => {
  bundle = await mkdtemp(path.join(top, "node_modules", ".xenlet-progress-test-"));
  program = path.join(bundle, "program.js");
  await build({
    stdin: {
      contents: `
        import { createProgress } from "./src/host/base/progress.js";
        const progress = createProgress(process.stderr, { quiet: process.argv[2] === "quiet" });
        const rest = () => new Promise((resolve) => setTimeout(resolve, process.argv[2] === "long" ? 30000 : 200));
        progress.start("fetching");
        progress.update("fetching 50 %");
        await rest();
        progress.note("a note");
        progress.done("fetched");
        progress.start("checking");
        await rest();
        progress.fail("check failed");
      `,
      resolveDir: top,
    },
    outfile: program,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    logLevel: "warning",
  });
});
afterAll(() => rm(bundle, { recursive: true, force: true }));

const PLAIN = "fetching\na note\nfetched\nchecking\ncheck failed";
const environment = (env: Record<string, string>) => ({ PATH: process.env["PATH"] ?? "", ...env });

/** On a terminal of that many columns. */
async function terminal(columns: number, env: Record<string, string> = {}): Promise<string> {
  const line = `stty cols ${columns} rows ${columns === 0 ? 0 : 24}; exec ${process.execPath} ${program}`;
  const { stdout, exitCode } = await execa("script", ["-qec", line, "/dev/null"], {
    extendEnv: false,
    stdin: "ignore",
    timeout: 20_000,
    env: environment({ TERM: "xterm", ...env }),
  });
  expect(exitCode).toBe(0);
  return stdout.replaceAll("\r", "");
}

describe("progress", () => {
  test("in a pipe: one plain line for each thing, on stderr, whatever NO_COLOR says", async () => {
    for (const env of [{}, { NO_COLOR: "1" }, { FORCE_COLOR: "1" }]) {
      const { stdout, stderr } = await execa(process.execPath, [program], {
        extendEnv: false,
        env: environment(env),
      });
      expect({ stdout, stderr }).toEqual({ stdout: "", stderr: PLAIN });
    }
  });

  test("with --quiet: nothing", async () => {
    const { stdout, stderr } = await execa(process.execPath, [program, "quiet"], {
      extendEnv: false,
      env: environment({}),
    });
    expect({ stdout, stderr }).toEqual({ stdout: "", stderr: "" });
  });

  test("on a terminal: a spinner, in colour, that leaves a line for each thing", async () => {
    const shown = await terminal(80);
    expect(shown).toContain("\u001b[36m");
    expect(shown).toContain("✔\u001b[39m fetched\n");
    expect(shown).toContain("✖\u001b[39m check failed");
    expect(shown).toContain("a note\n");
    expect(shown).not.toContain("\u001b[?25l"); // the cursor stays, even for who kills it
  });

  test("on a terminal with NO_COLOR: the spinner without colour", async () => {
    const shown = await terminal(80, { NO_COLOR: "1" });
    expect(shown).toContain("✔ fetched\n");
    expect(shown).not.toMatch(/\u001b\[[0-9;]*m/);
  });

  test("on a terminal without a size, a dumb one, or in CI: plain lines", async () => {
    expect((await terminal(0)).trimEnd()).toBe(PLAIN);
    expect((await terminal(80, { TERM: "dumb" })).trimEnd()).toBe(PLAIN);
    expect((await terminal(80, { CI: "1" })).trimEnd()).toBe(PLAIN);
  });

  test("leaves Ctrl-C a signal while it spins", async () => {
    const line = `stty cols 80 rows 24; exec ${process.execPath} ${program} long`;
    const child = spawn("script", ["-qec", line, "/dev/null"], {
      env: environment({ TERM: "xterm" }),
      stdio: ["pipe", "pipe", "inherit"],
    });
    let shown = "";
    child.stdout.on("data", (bytes: Buffer) => (shown += bytes.toString()));
    expect(await eventually(() => shown.includes("fetching"))).toBe(true);
    child.stdin.write("\u0003");
    expect(await once(child, "close")).toEqual([130, null]);
  });
});
