/**
 * What is told when something failed that used the cache. What it shows: every entry that the process has used is read,
 * a damaged one is named and removed, and a sound cache leaves the failure as it is. Why it matters: a wrong byte in a
 * library of QEMU's fails each run, and the messages point elsewhere. How it would fail: the failure told without a
 * hint, or a damaged entry that is still there for the next run.
 */
import { mkdtemp, rm, stat, utimes, writeFile } from "node:fs/promises";
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

test("Ctrl-C is no failure", async () => {
  const { tree } = await provide();
  await rot(join(tree, "start.o"), "obj4ct");
  const reason = new Error("interrupted");
  expect(await explainFailure(reason, AbortSignal.abort(reason))).toBe(reason);
});
