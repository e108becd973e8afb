// A set: some Debian packages, downloaded and unpacked together into one folder of the
// cache.

import { availableParallelism } from "node:os";
import { lstat, readdir, readlink, rm, symlink } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";

import { freeBytes, megabytes } from "../base/disk.js";
import { hostError } from "../base/host-error.js";
import type { Progress } from "../base/progress.js";
import { Cache, type Absent, type Entry, type Workplace } from "../cache/cache.js";
import { noSpace } from "../cache/cache-error.js";
import { sha256OfFile } from "../cache/contents.js";
import { KINDS } from "../cache/kinds.js";
import type { Manifest, Origin, PackageFile } from "../cache/manifest.js";
import { MirrorUnreachable, PrivateApt, type Download } from "./apt.js";
import type { Suite } from "./releases.js";
import { given } from "../base/given.js";

/** Unpacked packages are about four times their .deb; both are there for a while. */
const SPACE_PER_DOWNLOAD = 6;
const PROGRESS_INTERVAL_MS = 200;

export interface SetOptions {
  signal?: AbortSignal | undefined;
  /** Default: the user's own. */
  cache?: Cache;
}

/** What a set is made of. */
export interface SetRecipe {
  /** The name of its entry. */
  name: string;
  /** What it is called in messages. */
  title: string;
  suite: Suite;
  packages: string[];
  /** For packages whose names change: those that `packages`, with all that they depend on, come down to. */
  choose?: (plan: Download[]) => string[];
  /** Everything the packages depend on as well, down to libc. */
  closure: boolean;
  /** Which files and links to keep, by path relative to the tree. Default: all. */
  keep?: (path: string) => boolean;
  /** Last changes to the tree; what it throws undoes the set. */
  finish?: (tree: string, signal?: AbortSignal) => Promise<void>;
  /** Why a sound set will not do, as one of an older recipe, or null. Default: it will. */
  refuse?: (manifest: Manifest) => string | null;
}

/** A set: `tree` is the packages' root folder. */
export type PackageSet = Pick<Entry, "tree" | "manifest">;

/** The set of that recipe if the cache has it; nothing is downloaded. */
export function findSet(recipe: SetRecipe, cache: Cache): Promise<PackageSet | Absent> {
  return cache.find(KINDS.packages, recipe.name, recipe);
}

/**
 * The set of that recipe: from the cache at once, else downloaded, with signatures
 * checked, and unpacked there.
 * Throws UserError (no network, disk full, cache not writable, package not available),
 * or `signal`'s reason; then nothing is left of it.
 */
export async function provideSet(
  recipe: SetRecipe,
  ui: Progress,
  options: SetOptions = {},
): Promise<PackageSet> {
  const { signal, cache = new Cache() } = options;
  const { title, refuse } = recipe;
  const cached = await findSet(recipe, cache);
  if ("tree" in cached) return cached;

  ui.start(`${title}: preparing`);
  try {
    const set = await cache.provide(
      KINDS.packages,
      recipe.name,
      (at) => makeSet(recipe, at, cache, ui),
      {
        signal,
        ...given({ refuse }),
        onWait: () => {
          ui.note(`${title}: waiting for another xenlet process that is filling the cache`);
        },
        onDamage: (damage) => {
          ui.note(`${title}: damaged in the cache (${damage}); downloading it again`);
        },
      },
    );
    ui.done(describe(set.manifest, recipe));
    return set;
  } catch (error) {
    ui.fail(`${title}: not provided`);
    throw error;
  }
}

function describe(
  { packages = [] }: Manifest,
  { title, suite, packages: wanted }: SetRecipe,
): string {
  const version = packages.find(({ name }) => name === wanted[0])?.version ?? "present";
  const bytes = packages.reduce((sum, one) => sum + one.bytes, 0);
  const count = packages.length === 1 ? "1 package" : `${packages.length} packages`;
  return `${title}: ${version} from Debian ${suite} (${count}, ${megabytes(bytes)})`;
}

async function makeSet(
  recipe: SetRecipe,
  { tree, scratch, signal }: Workplace,
  cache: Cache,
  ui: Progress,
): Promise<Origin> {
  const packages = await fetchPackages(recipe, scratch, cache, ui, signal);
  const report = (done: number): void => {
    ui.update(`${recipe.title}: unpacking ${done} of ${packages.length}`);
  };
  await unpack(scratch, packages, tree, report, signal);
  if (recipe.keep) await trim(tree, recipe.keep);
  await makeLinksRelative(tree);
  await recipe.finish?.(tree, signal);
  ui.update(`${recipe.title}: checking`);
  return {
    suite: recipe.suite,
    packages: packages.map(({ name, version, architecture, bytes, sha256 }) => ({
      name,
      version,
      architecture,
      bytes,
      sha256,
    })),
  };
}

type Fetched = PackageFile & { file: string };

async function fetchPackages(
  recipe: SetRecipe,
  debs: string,
  cache: Cache,
  ui: Progress,
  signal: AbortSignal | undefined,
): Promise<Fetched[]> {
  const apt = new PrivateApt(cache.folderOf(KINDS.packageLists), recipe.suite, cache.root);
  const { closure, title } = recipe;
  let { packages } = recipe;
  const note = (line: string) => {
    ui.note(line);
  };
  const attempt = async (force: boolean): Promise<Download[]> => {
    ui.update(`${title}: reading the package lists of Debian ${recipe.suite}`);
    const fresh = await apt.update(note, signal, force);
    try {
      if (recipe.choose) packages = recipe.choose(await apt.plan(recipe.packages, true, signal));
      const plan = await apt.plan(packages, closure, signal);
      const total = plan.reduce((sum, one) => sum + one.bytes, 0);
      if (freeBytes(cache.root) < total * SPACE_PER_DOWNLOAD) throw noSpace(cache.root);
      const stop = watchDownload(debs, (bytes) => {
        ui.update(`${title}: downloading, ${megabytes(bytes)} of ${megabytes(total)}`);
      });
      try {
        await apt.download(packages, closure, debs, signal);
      } finally {
        stop();
      }
      return plan;
    } catch (error) {
      signal?.throwIfAborted();
      // The mirror may have moved on since the lists were read.
      if (fresh || force || error instanceof MirrorUnreachable) throw error;
      return attempt(true);
    }
  };
  const plan = await attempt(false);
  const fetched: Fetched[] = [];
  for (const { name, version, architecture, file } of plan) {
    const path = join(debs, file);
    const { size } = await lstat(path).catch((cause: unknown) => {
      throw hostError(`apt did not download ${file}`, undefined, cause);
    });
    const sha256 = await sha256OfFile(path, signal);
    fetched.push({ name, version, architecture, bytes: size, sha256, file });
  }
  return fetched;
}

/** Calls `report` with the bytes present in `folder`, a few times a second; returns what ends that. */
function watchDownload(folder: string, report: (bytes: number) => void): () => void {
  const measure = async () => {
    let bytes = 0;
    for (const place of [folder, join(folder, "partial")]) {
      for (const name of await readdir(place).catch(() => [])) {
        const found = await lstat(join(place, name)).catch(() => null);
        if (found?.isFile()) bytes += found.size;
      }
    }
    if (bytes > 0) report(bytes);
  };
  const timer = setInterval(() => void measure(), PROGRESS_INTERVAL_MS);
  return () => {
    clearInterval(timer);
  };
}

async function unpack(
  debs: string,
  packages: Fetched[],
  tree: string,
  report: (done: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const queue = [...packages];
  let done = 0;
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      await unpackOne(join(debs, next.file), tree, signal);
      report((done += 1));
    }
  };
  const results = await Promise.allSettled(
    Array.from({ length: Math.min(4, availableParallelism()) }, worker),
  );
  // Only when every worker has ended may the caller remove what they wrote to.
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

async function unpackOne(
  deb: string,
  tree: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted();
  const { execa } = await import("execa");
  const result = await execa("dpkg-deb", ["--extract", deb, tree], {
    reject: false,
    stdin: "ignore",
    env: { LC_ALL: "C" },
    ...given({ cancelSignal: signal }),
  });
  signal?.throwIfAborted();
  if (result.code === "ENOENT") {
    throw hostError("dpkg-deb not found (needed to unpack packages)", "sudo apt-get install dpkg");
  }
  if (/No space left on device|Disk quota exceeded/.test(result.stderr)) throw noSpace(tree);
  if (result.failed) {
    throw hostError(`cannot unpack ${basename(deb)}: ${result.stderr.trim()}`);
  }
}

/** Removes every file and link that is not to be kept, and the folders this leaves empty. */
async function trim(tree: string, keep: (path: string) => boolean): Promise<void> {
  const visit = async (prefix: string): Promise<boolean> => {
    let empty = true;
    for (const entry of await readdir(join(tree, prefix), { withFileTypes: true })) {
      const path = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
      const remove = entry.isDirectory() ? await visit(path) : !keep(path);
      if (remove) await rm(join(tree, path), { recursive: true });
      else empty = false;
    }
    return empty;
  };
  await visit("");
}

/** Lets absolute links lead to the tree's files, not the machine's. */
async function makeLinksRelative(tree: string): Promise<void> {
  const entries = await readdir(tree, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((candidate) => candidate.isSymbolicLink())) {
    const link = join(entry.parentPath, entry.name);
    const target = await readlink(link);
    if (!target.startsWith("/")) continue;
    await rm(link);
    await symlink(relative(dirname(link), join(tree, target)), link);
  }
}
