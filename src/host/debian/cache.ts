// Looking at the cache, checking it, and emptying it.

import { lstat, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import { withLock } from "./lock.js";
import { MANIFEST, checkTree, readManifest } from "./manifest.js";
import type { Manifest, Problem } from "./manifest.js";
import { CachePaths } from "./paths.js";
import { explainCacheError, isMissing } from "./host-error.js";

/** One thing the cache holds. */
export interface CacheEntry {
  /** Of its kind; "xen-4.17", "bookworm". */
  name: string;
  kind: "packages" | "xen-file" | "package-lists" | "objects" | "unfinished";
  path: string;
  /** On disk, decimal. */
  bytes: number;
  /** Debian's suite, where it comes from one. */
  suite: string | null;
  /** Each package with its exact version, where it is unpacked packages. */
  packages: { name: string; version: string; sha256: string }[];
  /** ISO 8601, where it is known. */
  created: string | null;
  /** Why it cannot be used (it is made again when needed), or null. */
  damage: string | null;
}

export interface CacheReport {
  root: string;
  bytes: number;
  entries: CacheEntry[];
}

export interface VerifyReport {
  root: string;
  ok: boolean;
  entries: { name: string; files: number; problems: Problem[] }[];
}

export interface PruneReport {
  root: string;
  /** Freed. */
  bytes: number;
  removed: string[];
  kept: string[];
}

async function names(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Bytes below `path` as the disk counts them. What vanishes meanwhile counts as nothing. */
async function bytesBelow(path: string): Promise<number> {
  const found = await lstat(path).catch(() => null);
  if (!found) return 0;
  let bytes = found.blocks * 512;
  if (found.isDirectory()) {
    for (const name of await names(path).catch(() => []))
      bytes += await bytesBelow(join(path, name));
  }
  return bytes;
}

async function describeSet(
  paths: CachePaths,
  name: string,
): Promise<CacheEntry & { manifest: Manifest | null }> {
  const path = join(paths.sets, name);
  const entry = { name, kind: "packages" as const, path, bytes: await bytesBelow(path) };
  try {
    const manifest = await readManifest(path);
    const { suite, created, packages } = manifest;
    return {
      ...entry,
      suite,
      created,
      packages: packages.map((one) => ({
        name: one.name,
        version: one.version,
        sha256: one.sha256,
      })),
      damage: null,
      manifest,
    };
  } catch (error) {
    const damage = isMissing(error) ? `${MANIFEST} is missing` : (error as Error).message;
    return { ...entry, suite: null, created: null, packages: [], damage, manifest: null };
  }
}

/** What the cache holds; nothing is checked beyond manifests. An absent cache is an empty one. */
export async function listCache(paths = new CachePaths()): Promise<CacheReport> {
  const entries: CacheEntry[] = [];
  for (const name of await names(paths.sets)) {
    const { manifest: _, ...entry } = await describeSet(paths, name);
    entries.push(entry);
  }
  const others: [CacheEntry["kind"], string][] = [
    ["xen-file", paths.files],
    ["package-lists", paths.apt],
    ["objects", paths.objects],
    ["unfinished", paths.temporary],
  ];
  for (const [kind, folder] of others) {
    for (const name of await names(folder)) {
      const path = join(folder, name);
      entries.push({
        name,
        kind,
        path,
        bytes: await bytesBelow(path),
        suite: kind === "package-lists" ? name : null,
        packages: [],
        created: null,
        damage: null,
      });
    }
  }
  return { root: paths.root, bytes: entries.reduce((sum, one) => sum + one.bytes, 0), entries };
}

/** Compares every file of every set with its manifest. Reads the whole cache. */
export async function verifyCache(
  options: { signal?: AbortSignal; paths?: CachePaths } = {},
): Promise<VerifyReport> {
  const paths = options.paths ?? new CachePaths();
  const entries: VerifyReport["entries"] = [];
  for (const name of await names(paths.sets)) {
    const { manifest, damage, path } = await describeSet(paths, name);
    const problems: Problem[] = manifest
      ? await checkTree(path, manifest, options.signal)
      : [{ path: MANIFEST, problem: "unreadable", expected: "a manifest", found: damage ?? "" }];
    entries.push({ name, files: manifest?.files.length ?? 0, problems });
  }
  return { root: paths.root, ok: entries.every((one) => one.problems.length === 0), entries };
}

/**
 * Removes what can be spared: package lists, compiled objects, uncompressed copies,
 * and sets that are damaged or unfinished; with `all`, every set as well. Nothing else
 * below the cache's root is touched.
 * Throws UserError when the cache cannot be written.
 */
export async function pruneCache(
  options: { all?: boolean; signal?: AbortSignal; paths?: CachePaths } = {},
): Promise<PruneReport> {
  const paths = options.paths ?? new CachePaths();
  const report: PruneReport = { root: paths.root, bytes: 0, removed: [], kept: [] };
  if ((await listCache(paths)).entries.length === 0) return report;
  try {
    await paths.create();
    return await withLock(paths.lock, { signal: options.signal }, async () => {
      const damaged = options.all
        ? new Set<string>()
        : new Set(
            (await verifyCache({ ...options, paths })).entries
              .filter((one) => one.problems.length > 0)
              .map((one) => one.name),
          );
      for (const entry of (await listCache(paths)).entries) {
        options.signal?.throwIfAborted();
        if (entry.kind === "packages" && !options.all && !damaged.has(entry.name)) {
          report.kept.push(entry.name);
          continue;
        }
        await removeWhole(entry, paths);
        report.bytes += entry.bytes;
        report.removed.push(`${entry.kind}/${entry.name}`);
      }
      return report;
    });
  } catch (error) {
    throw explainCacheError(error, paths.root);
  }
}

/** Out of the way in one step first: nobody finds half of it. */
async function removeWhole(entry: CacheEntry, paths: CachePaths): Promise<void> {
  const doomed =
    entry.kind === "unfinished" ? entry.path : join(paths.temporary, `removed-${entry.name}`);
  if (doomed !== entry.path) {
    await rm(doomed, { recursive: true, force: true });
    await rename(entry.path, doomed);
  }
  await rm(doomed, { recursive: true, force: true });
}
