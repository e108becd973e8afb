/**
 * What is told when something failed that used the cache. What it shows: every entry that the process has used is read,
 * a damaged one is named and removed, and neither a sound cache nor what other processes do to it changes the failure. Why it matters: a wrong byte in a
 * library of QEMU's fails each run, and the messages point elsewhere. How it would fail: the failure told without a
 * hint, or a damaged entry that is still there for the next run.
 */
import { createHash } from "node:crypto";
import { mkdtemp, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Cache, type Entry } from "../../../src/host/cache/cache.js";
import { explainFailure } from "../../../src/host/cache/damage.js";
import { KINDS } from "../../../src/host/cache/kinds.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "xenlet-test-"));
  vi.stubEnv("XENLET_CACHE", join(folder, "cache"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const provide = (): Promise<Entry> =>
  new Cache().provide(KINDS.bootObjects, "one", async ({ tree }) => {
    await rot(join(tree, "start.o"), "object");
    return undefined;
  });

/** Written, and nothing changes that a look without reading could see. */
async function rot(file: string, content: string): Promise<void> {
  await writeFile(file, content);
  await utimes(file, 1e9, 1e9);
}

test("a sound cache: the failure itself", async () => {
  await provide();
  const failure = new Error("ld failed");
  expect(await explainFailure(failure)).toBe(failure);
});

test("a wrong byte: named, removed, and made again the next time", async () => {
  const { tree } = await provide();
  await rot(join(tree, "start.o"), "obj3ct");
  await provide(); // a look does not see it
  const failure = new Error("ld failed");
  expect(await explainFailure(failure)).toMatchObject({
    exitCode: 122,
    message: expect.stringMatching(
      /cache was damaged.*\n.*boot objects one: tree\/start\.o/,
    ) as unknown,
    hint: expect.stringContaining("again") as unknown,
    cause: failure,
  });
  expect(await stat(tree).catch(() => null)).toBeNull();
  expect(await explainFailure(failure)).toBe(failure);
  await provide();
});

test("gone whole: another process has removed it, which damages nothing", async () => {
  const { folder: entry, tree } = await provide();
  const failure = new Error("a guest never answered");
  await rename(entry, join(folder, "removed"));
  expect(await explainFailure(failure)).toBe(failure);
  // The control: of one that is there, a file is missing, or all that says what it was.
  await rename(join(folder, "removed"), entry);
  await rm(join(tree, "start.o"));
  expect(await explainFailure(failure)).toMatchObject({
    message: expect.stringContaining("tree/start.o: missing") as unknown,
  });
  await provide();
  await rm(join(entry, "manifest.json"));
  expect(await explainFailure(failure)).toMatchObject({
    message: expect.stringContaining("manifest.json: missing") as unknown,
  });
});

test("made anew by another process: what is there now is measured by its own manifest, and stays", async () => {
  const { folder: entry, tree, manifest } = await provide();
  const failure = new Error("a guest never answered");
  const other = { ...manifest, created: "2026-01-01T00:00:00.000Z" };
  const sha256 = createHash("sha256").update("another").digest("hex");
  await rot(join(tree, "start.o"), "another");
  other.files = [{ path: "start.o", bytes: 7, sha256 }];
  await writeFile(join(entry, "manifest.json"), JSON.stringify(other));
  expect(await explainFailure(failure)).toBe(failure);
  expect(await stat(tree)).toBeTruthy();
  // The control: the other's is damaged as well.
  await rot(join(tree, "start.o"), "an0ther");
  other.created = "2026-01-02T00:00:00.000Z";
  await writeFile(join(entry, "manifest.json"), JSON.stringify(other));
  expect(await explainFailure(failure)).toMatchObject({ exitCode: 122 });
});

test("Ctrl-C is no failure", async () => {
  const { tree } = await provide();
  await rot(join(tree, "start.o"), "obj4ct");
  const reason = new Error("interrupted");
  expect(await explainFailure(reason, AbortSignal.abort(reason))).toBe(reason);
});
