/**
 * Temporary folders. What it shows: a later process removes what a killed one left in TMPDIR, and only that. Why it
 * matters: a killed build leaves megabytes that are never found. How it would fail: a living process's folder that
 * goes, a folder of another program's, or a dead one's that stays.
 */
import { mkdir, mkdtemp, readdir, rm, symlink, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { isAbandoned, ownerMark } from "../../../src/host/cache/owner.js";
import { sweepTemporary, temporaryFolder } from "../../../src/host/cache/temporary.js";
import { markOfTheDead } from "./dead.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "xenlet-test-"));
  vi.stubEnv("TMPDIR", folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

test("made, with its purpose in the name, and removed", async () => {
  const made = await temporaryFolder("build");
  expect(made.path.startsWith(join(folder, "xenlet-build."))).toBe(true);
  await made.dispose();
  await made.dispose();
  expect(await readdir(folder)).toEqual([]);
});

test("a dead process's folder is swept; a living one's, a stranger's and a link are not", async () => {
  const dead = await markOfTheDead();
  await mkdir(join(folder, `xenlet-build${dead}abc123`, "inside"), { recursive: true });
  await mkdir(join(folder, "target"));
  await symlink("target", join(folder, `xenlet-run${dead}abc123`));
  await mkdir(join(folder, `other-build${dead}abc123`));
  await mkdir(join(folder, "xenlet-mine"));
  const { path } = await temporaryFolder("run");
  await sweepTemporary();
  expect((await readdir(folder)).sort()).toEqual(
    [
      `other-build${dead}abc123`,
      "target",
      "xenlet-mine",
      path.slice(folder.length + 1),
      `xenlet-run${dead}abc123`,
    ].sort(),
  );
});

test("of another boot, machine or container nobody can be asked: those go by age", () => {
  const strange = ownerMark().replace(/-[0-9a-f]+\.$/, "-deadbeef1.");
  expect(isAbandoned(`x${strange}abc`, Date.now() - 3600e3)).toBe(false);
  expect(isAbandoned(`x${strange}abc`, Date.now() - 25 * 3600e3)).toBe(true);
});

test("a process number that came back is another process", () => {
  const again = ownerMark().replace(/^(\.p\d+)-\d+-/, "$1-1-");
  expect(isAbandoned(`x${again}abc`, Date.now())).toBe(true);
  expect(isAbandoned(`x${ownerMark()}abc`, 0)).toBe(false);
});

test("without TMPDIR: one sentence and what to do", async () => {
  vi.stubEnv("TMPDIR", join(folder, "nowhere"));
  await expect(temporaryFolder("build")).rejects.toMatchObject({
    exitCode: 122,
    message: expect.stringContaining("cannot create a temporary folder") as unknown,
    hint: expect.stringContaining("TMPDIR=") as unknown,
  });
  vi.stubEnv("TMPDIR", folder);
  const old = await temporaryFolder("old");
  await utimes(old.path, 0, 0);
  await sweepTemporary();
  expect(await readdir(folder)).toHaveLength(1);
});
