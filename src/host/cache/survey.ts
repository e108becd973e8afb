// Looking at the whole cache: what is in it, whether it is as it was made, and emptying it.

import { lstat, readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";

import { errnoCode, isMissing } from "../base/host-error.js";
import { Cache, TAG } from "./cache.js";
import { explainCacheError } from "./cache-error.js";
import { checkTree, type Problem } from "./contents.js";
import { ALL_KINDS, FORMER_FOLDERS, type Kind } from "./kinds.js";
import { withLock } from "./lock.js";
import { MANIFEST, readManifest, type Manifest } from "./manifest.js";
import { isAbandoned } from "./owner.js";
import { given } from "../base/given.js";

/** One thing the cache holds. */
export interface CacheEntry {
  /** Of its kind; "xen-4.17", "bookworm". */
  name: string;
  /**
   * A kind of kinds.ts; "unfinished": being made or removed, or left so; "older version's"; "unknown": nothing that
   * xenlet put there, as far as this version knows; "upkeep": folders, locks and the tag.
   */
  kind: string;
  path: string;
  /** On disk, in bytes. */
  bytes: number;
  /** Debian's suite, where it comes from one. */
  suite: string | null;
  /** Each package with its exact version, where it is unpacked packages. */
  packages: { name: string; version: string; sha256: string }[];
  /** ISO 8601, where it is known. */
  created: string | null;
  /** ISO 8601, to ten minutes. */
  used: string | null;
  /** Why it cannot be used (it is made again when needed), or null. */
  damage: string | null;
}

export interface CacheReport {
  root: string;
  /** All that is below the root, and the root: as du(1) counts it. */
  bytes: number;
  entries: CacheEntry[];
}

export interface VerifyReport {
  root: string;
  ok: boolean;
  entries: { kind: string; name: string; files: number; problems: Problem[] }[];
}

export interface PruneReport {
  root: string;
  /** Freed. */
  bytes: number;
  removed: { kind: string; name: string }[];
  kept: { kind: string; name: string; why: string }[];
}

async function names(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Of a file or folder alone, as the disk counts it. What vanishes meanwhile counts as nothing. */
async function bytesOf(path: string): Promise<number> {
  return ((await lstat(path).catch(() => null))?.blocks ?? 0) * 512;
}

/** The same with all that is below. */
async function bytesBelow(path: string): Promise<number> {
  const found = await lstat(path).catch(() => null);
  let bytes = (found?.blocks ?? 0) * 512;
  if (found?.isDirectory() === true)
    for (const name of await names(path).catch(() => []))
      bytes += await bytesBelow(join(path, name));
  return bytes;
}

async function describe(kind: string, name: string, path: string): Promise<CacheEntry> {
  const used = (await lstat(path).catch(() => null))?.mtime.toISOString() ?? null;
  const bytes = await bytesBelow(path);
  return {
    ...{ kind, name, path, bytes, used },
    ...{ suite: null, packages: [], created: null, damage: null },
  };
}

async function manifestOf(folder: string): Promise<Manifest | string> {
  try {
    return await readManifest(folder);
  } catch (error) {
    return isMissing(error) ? `${MANIFEST} is missing` : (error as Error).message;
  }
}

async function describeEntry(kind: Kind, name: string, path: string): Promise<CacheEntry> {
  const entry = await describe(kind.name, name, path);
  if (kind.holds === "files") return entry;
  const manifest = await manifestOf(path);
  if (typeof manifest === "string") return { ...entry, damage: manifest };
  const { suite = null, created, packages = [] } = manifest;
  return {
    ...entry,
    suite,
    created,
    packages: packages.map(({ name: one, version, sha256 }) => ({ name: one, version, sha256 })),
  };
}

/** What the cache holds; nothing is checked beyond manifests. An absent cache is an empty one. */
export async function listCache(cache = new Cache()): Promise<CacheReport> {
  const { root } = cache;
  const entries: CacheEntry[] = [];
  let upkeep = await bytesOf(root);
  for (const top of await names(root)) {
    const path = join(root, top);
    const kind = ALL_KINDS.find(({ folder }) => folder === top);
    if (kind !== undefined) {
      upkeep += await bytesOf(path);
      for (const name of await names(path).catch(() => []))
        entries.push(await describeEntry(kind, name, join(path, name)));
    } else if (path === cache.work) {
      upkeep += await bytesOf(path);
      for (const name of await names(path))
        entries.push(await describe("unfinished", name, join(path, name)));
    } else if (path === cache.locks || path === cache.lock || top === TAG) {
      upkeep += await bytesBelow(path);
    } else {
      const former = (FORMER_FOLDERS as readonly string[]).includes(top);
      entries.push(await describe(former ? "older version's" : "unknown", top, path));
    }
  }
  if (upkeep > 0) {
    const own = await describe("upkeep", "folders and locks", root);
    entries.push({ ...own, bytes: upkeep });
  }
  return { root, bytes: entries.reduce((sum, one) => sum + one.bytes, 0), entries };
}

/** Compares every file of every entry with its manifest. Reads the whole cache. */
export async function verifyCache(
  options: { signal?: AbortSignal; cache?: Cache; onEntry?: (name: string) => void } = {},
): Promise<VerifyReport> {
  const { signal, cache = new Cache() } = options;
  const entries: VerifyReport["entries"] = [];
  for (const kind of ALL_KINDS.filter(({ holds }) => holds === "entries")) {
    for (const name of await names(cache.folderOf(kind))) {
      options.onEntry?.(`${kind.name} ${name}`);
      const folder = join(cache.folderOf(kind), name);
      const manifest = await manifestOf(folder);
      const problems: Problem[] =
        typeof manifest === "string"
          ? [{ path: MANIFEST, problem: "unreadable", expected: "a manifest", found: manifest }]
          : await checkTree(folder, manifest, signal);
      const files = typeof manifest === "string" ? 0 : manifest.files.length;
      entries.push({ kind: kind.name, name, files, problems });
    }
  }
  return { root: cache.root, ok: entries.every((one) => one.problems.length === 0), entries };
}

/**
 * Removes what can be spared: everything but what has to be downloaded again, and of that what is damaged; with `all`
 * everything. What another process is working on stays, and so does what is not xenlet's in a folder that was not made
 * for the cache.
 * Throws UserError when the cache cannot be written.
 */
export async function pruneCache(
  options: { all?: boolean; signal?: AbortSignal; cache?: Cache } = {},
): Promise<PruneReport> {
  const { all = false, signal, cache = new Cache() } = options;
  const report: PruneReport = { root: cache.root, bytes: 0, removed: [], kept: [] };
  if ((await names(cache.root)).length === 0) return report;
  try {
    // Not beside a process that is unpacking packages.
    return await withLock(cache.lock, { signal, remove: all }, async () => {
      const damaged = all ? new Set<string>() : await findDamaged(cache, signal);
      const ours = (await names(cache.root)).includes(TAG);
      for (const entry of (await listCache(cache)).entries) {
        signal?.throwIfAborted();
        if (entry.kind === "upkeep") continue;
        const why = await whyKept(entry, all, ours, damaged);
        if (why !== null) {
          report.kept.push({ kind: entry.kind, name: entry.name, why });
          continue;
        }
        if (entry.kind === "unfinished") await rm(entry.path, { recursive: true, force: true });
        else await cache.removePath(entry.path);
        report.bytes += entry.bytes;
        report.removed.push({ kind: entry.kind, name: entry.name });
      }
      if (all) report.bytes += await removeUpkeep(cache);
      return report;
    });
  } catch (error) {
    throw explainCacheError(error, cache.root);
  }
}

async function findDamaged(cache: Cache, signal?: AbortSignal): Promise<Set<string>> {
  const { entries } = await verifyCache({ cache, ...given({ signal }) });
  return new Set(
    entries.filter(({ problems }) => problems.length > 0).map(({ kind, name }) => kind + name),
  );
}

/** What spares an entry, or null. */
async function whyKept(
  entry: CacheEntry,
  all: boolean,
  ours: boolean,
  damaged: Set<string>,
): Promise<string | null> {
  if (entry.kind === "unfinished") {
    const found = await lstat(entry.path).catch(() => null);
    return found === null || isAbandoned(entry.name, found.mtimeMs)
      ? null
      : "in use by another process";
  }
  if (entry.kind === "unknown") {
    if (!ours) return "not xenlet's";
    return all ? null : "unknown to this version; --all removes it";
  }
  const kind = ALL_KINDS.find(({ name }) => name === entry.kind);
  if (all || kind?.kept !== true || damaged.has(entry.kind + entry.name)) return null;
  return "would have to be downloaded again";
}

/** Empty folders, locks and the tag; the lock of pruning itself goes with its holder. Returns the bytes freed. */
async function removeUpkeep(cache: Cache): Promise<number> {
  const before = (await listCache(cache)).bytes;
  await rm(cache.locks, { recursive: true, force: true });
  for (const folder of [...ALL_KINDS.map((kind) => cache.folderOf(kind)), cache.work])
    await rmdir(folder).catch((error: unknown) => {
      const filled = ["ENOTEMPTY", "EEXIST"].includes(errnoCode(error) ?? ""); // another process is using it
      if (!filled && !isMissing(error)) throw error;
    });
  const left = await names(cache.root);
  if (left.every((name) => [TAG, "lock"].includes(name)))
    await rm(join(cache.root, TAG), { force: true });
  return Math.max(0, before - (await listCache(cache)).bytes);
}
