// After a failure: was it the cache? A library of QEMU's or an object of ours with a wrong byte in it fails every run
// from then on, and nothing in what the tool or the guest says points to it.

import { hostError } from "../base/host-error.js";
import type { UserError } from "../base/errors.js";
import { Cache, entriesUsed } from "./cache.js";
import { checkTree, describeProblem } from "./contents.js";

/** When each entry that this process used was found sound, by folder: it is not read again for each failure. */
const sound = new Map<string, string>();

/**
 * Reads everything that this process has used of the cache, and removes what is damaged. Returns what to tell in place
 * of the failure, or null: then the cache has nothing to do with it.
 */
export async function findDamage(signal?: AbortSignal): Promise<UserError | null> {
  const cache = new Cache();
  const found: string[] = [];
  let shipped = false;
  for (const { kind, name, folder, manifest } of entriesUsed()) {
    if (sound.get(folder) === manifest.created) continue;
    const [problem] = await checkTree(folder, manifest, signal);
    if (problem === undefined) {
      sound.set(folder, manifest.created);
      continue;
    }
    found.push(`${kind.name} ${name}: ${describeProblem(problem)}`);
    if (cache.owns(folder)) await cache.removePath(folder).catch(() => undefined);
    else shipped = true;
  }
  if (found.length === 0) return null;
  return hostError(
    `the cache was damaged, which may be why this failed:\n  ${found.join("\n  ")}`,
    shipped
      ? "installing xenlet again: the damaged files came with it"
      : "the same command again: what was damaged has been removed, and is made anew",
  );
}

/** `error`, or, if the cache was damaged, what says so. */
export async function explainFailure(error: unknown, signal?: AbortSignal): Promise<unknown> {
  if (signal?.aborted === true) return error;
  const damage = await findDamage(signal).catch(() => null);
  if (damage === null) return error;
  return Object.assign(damage, { cause: error });
}
