// docs/api is what the docstrings say now, and everything public has one. Why: a reference that is older than the code is worse
// than none. Fails if a docstring or a signature changes without `make api`, or if something public has no docstring. That the
// tool notices is seen by what it says of Xen's own constants, which have none here.

import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

import { ownComplaints, writeApiDocs } from "../../../scripts/api-docs.js";

let folder: string;
let complaints: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "xenlet-api-"));
  complaints = await writeApiDocs(join(folder, "api"));
}, 120_000);
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function pages(root: string): Promise<Record<string, string>> {
  const names = (await readdir(root, { recursive: true })).filter((name) => name.endsWith(".md"));
  return Object.fromEntries(
    await Promise.all(
      names.sort().map(async (name) => [name, await readFile(join(root, name), "utf8")] as const),
    ),
  );
}

test("everything public has a docstring", () => {
  expect(ownComplaints(complaints)).toEqual([]);
  expect(complaints.some((one) => one.includes("SHUTDOWN_soft_reset"))).toBe(true);
});

test("docs/api is current: `make api`", async () => {
  const now = await pages(join(folder, "api"));
  expect(Object.keys(now).length).toBeGreaterThan(20);
  expect(await pages("docs/api")).toEqual(now);
});
