// After a failure: was it the cache? A library of QEMU or an object file of xenlet with a wrong byte in it fails every run
// from then on, and nothing in what the tool or the guest says points to it.

import { stat } from "node:fs/promises";

import { hostError, isMissing } from "../base/host-error.js";
import type { UserError } from "../base/errors.js";
import { Cache, entriesUsed } from "./cache.js";
import { checkTree, describeProblem } from "./contents.js";
import { MANIFEST, readManifest } from "./manifest.js";

/** When each entry that this process used was found sound, by folder: it is not read again for each failure. */
const sound = new Map<string, string>();

/**
 * What is wrong with what stands in an entry's folder, or null. Other processes use the cache too, and each change of
 * theirs is a rename: a missing entry has been removed, and one with another manifest has been recreated (a saved
 * machine that was of no use, say). Neither is damage, nor is what a reader saw who was in the middle of it.
 */
async function damageIn(folder: string, signal?: AbortSignal): Promise<string | null> {
  for (;;) {
    try {
      const manifest = await readManifest(folder);
      const { created } = manifest;
      if (sound.get(folder) === created) return null;
      const [problem] = await checkTree(folder, manifest, signal);
      if (problem === undefined) {
        sound.set(folder, created);
        return null;
      }
      const now = await readManifest(folder);
      if (now.created === created) return describeProblem(problem);
    } catch (error) {
      signal?.throwIfAborted();
      if (!isMissing(error)) return (error as Error).message;
      const there = await stat(folder).catch(() => null);
      return there === null ? null : `${MANIFEST}: missing`;
    }
  }
}

/**
 * Reads everything that this process has used of the cache, and removes what is damaged. Returns what to tell in place
 * of the failure, or null: then the cache has nothing to do with it.
 */
export async function findDamage(signal?: AbortSignal): Promise<UserError | null> {
  const cache = new Cache();
  const found: string[] = [];
  let shipped = false;
  for (const { kind, name, folder } of entriesUsed()) {
    const damage = await damageIn(folder, signal);
    if (damage === null) continue;
    found.push(`${kind.name} ${name}: ${damage}`);
    if (cache.owns(folder)) await cache.removePath(folder).catch(() => undefined);
    else shipped = true;
  }
  if (found.length === 0) return null;
  return hostError(
    `the cache was damaged, which may be why this failed:\n  ${found.join("\n  ")}`,
    shipped
      ? "reinstalling xenlet: the damaged files are part of it"
      : "the same command again: damaged entries have been removed and will be recreated",
  );
}

/** `error`, or, if the cache was damaged, what says so. */
export async function explainFailure(error: unknown, signal?: AbortSignal): Promise<unknown> {
  if (signal?.aborted === true) return error;
  const damage = await findDamage(signal).catch(() => null);
  if (damage === null) return error;
  return Object.assign(damage, { cause: error });
}
