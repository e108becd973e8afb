/**
 * The set-up's first look around. What it shows: on a machine that lacks
 * something, one line for each missing thing, with the command that fixes it,
 * and an exit code that stops make. Why it matters: it is the first thing that a
 * newcomer meets. How it would fail: a shell's "not found" in its place.
 */
import { chmod, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";

const script = path.resolve(import.meta.dirname, "../../../scripts/check-tools.sh");

let bin: string;
beforeEach(async () => {
  bin = await mkdtemp(path.join(tmpdir(), "xenlet-tools-"));
});
afterEach(() => rm(bin, { recursive: true }));

async function check(tools: string[]) {
  for (const tool of tools) await symlink("/bin/true", path.join(bin, tool));
  const result = await execa("/bin/sh", [script], {
    extendEnv: false,
    env: { PATH: bin },
    reject: false,
  });
  return { exitCode: result.exitCode, lines: result.stderr.split("\n").filter(Boolean) };
}

async function fakeNode(version: string, exitCode: number) {
  const node = path.join(bin, "node");
  await writeFile(node, `#!/bin/sh\ncase $1 in -e) exit ${exitCode};; *) echo ${version};; esac\n`);
  await chmod(node, 0o755);
}

test("everything there: silence", async () => {
  expect(await check(["node", "npm", "make", "gcc"])).toEqual({ exitCode: 0, lines: [] });
});

test("nothing there: a line each", async () => {
  const { exitCode, lines } = await check([]);
  expect(exitCode).toBe(1);
  expect(lines).toEqual([
    "xenlet: Node 20 or newer is missing: sudo apt-get install npm && sudo npx --yes n 22",
    "xenlet: npm is missing: sudo apt-get install npm",
    "xenlet: make is missing: sudo apt-get install make",
    "xenlet: gcc is missing: sudo apt-get install gcc",
  ]);
});

test("an old Node: its version, and how to get a newer one", async () => {
  await fakeNode("v18.19.0", 1);
  const { exitCode, lines } = await check(["npm", "make", "gcc"]);
  expect(exitCode).toBe(1);
  expect(lines).toEqual([
    "xenlet: Node 20 or newer is needed, this is v18.19.0: " +
      "sudo apt-get install npm && sudo npx --yes n 22",
  ]);
});

test("the version that decides is the real Node's own answer", async () => {
  await symlink(process.execPath, path.join(bin, "node"));
  expect(await check(["npm", "make", "gcc"])).toEqual({ exitCode: 0, lines: [] });
});
