// A set: some Debian packages, downloaded and unpacked together into one folder of the
// cache. It appears whole, by a rename, or not at all.

import { execa } from "execa";
import { availableParallelism } from "node:os";
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";

import type { Progress } from "../base/progress.js";
import { MirrorUnreachable, PrivateApt, type Download } from "./apt.js";
import { withLock } from "./lock.js";
import { MANIFEST, TREE, readManifest, sha256OfFile, takeStock } from "./manifest.js";
import type { Manifest, PackageFile } from "./manifest.js";
import { CachePaths, freeBytes, megabytes } from "./paths.js";
import type { Suite } from "./releases.js";
import { explainCacheError, hostTrouble, isMissing, noSpace } from "./host-error.js";

/** Unpacked packages are about four times their .deb; both are there for a while. */
const SPACE_PER_DOWNLOAD = 6;
const PROGRESS_INTERVAL_MS = 200;

export interface SetOptions {
  signal?: AbortSignal | undefined;
  /** Default: the user's own. */
  paths?: CachePaths;
}

/** What a set is made of. */
export interface SetRecipe {
  /** The name of its folder. */
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
  /** Whether a set found in the cache will do: why not, or null. Default: it will. */
  check?: (folder: string, manifest: Manifest) => Promise<string | null>;
}

export interface PackageSet {
  /** Absolute; the packages' root folder. */
  tree: string;
  manifest: Manifest;
}

/** Why a set cannot be used; null if there is none. */
export interface Unusable {
  damage: string | null;
}

/** The set of that recipe if the cache has it; nothing is downloaded. */
export async function findSet(
  recipe: SetRecipe,
  paths: CachePaths,
): Promise<PackageSet | Unusable> {
  const folder = join(paths.sets, recipe.name);
  let manifest: Manifest;
  try {
    manifest = await readManifest(folder);
  } catch (error) {
    return { damage: isMissing(error) ? null : (error as Error).message };
  }
  const damage = (await recipe.check?.(folder, manifest)) ?? null;
  return damage === null ? { tree: join(folder, TREE), manifest } : { damage };
}

/**
 * The set of that recipe: from the cache at once, else downloaded, with signatures
 * checked, and unpacked there.
 * Throws UserError (no network, disk full, cache not writable, package not to be had),
 * or `signal`'s reason; then nothing is left of it.
 */
export async function provideSet(
  recipe: SetRecipe,
  ui: Progress,
  options: SetOptions = {},
): Promise<PackageSet> {
  const paths = options.paths ?? new CachePaths();
  const { signal } = options;
  const cached = await findSet(recipe, paths);
  if ("tree" in cached) return cached;

  await paths.create();
  ui.start(`${recipe.title}: preparing`);
  try {
    const onWait = () => {
      ui.note(`${recipe.title}: waiting for another xenlet that is filling the cache`);
    };
    return await withLock(paths.lock, { onWait, signal }, async (held) => {
      if (held) await sweep(paths);
      const meanwhile = await findSet(recipe, paths);
      if ("tree" in meanwhile) {
        ui.done(`${recipe.title}: in the cache`);
        return meanwhile;
      }
      if (meanwhile.damage !== null) {
        ui.note(`${recipe.title}: damaged in the cache (${meanwhile.damage}); getting it again`);
      }
      const set = await makeSet(recipe, paths, ui, signal);
      const bytes = set.manifest.packages.reduce((sum, one) => sum + one.bytes, 0);
      const count = set.manifest.packages.length;
      ui.done(
        `${recipe.title}: ${describe(set.manifest, recipe)} from Debian ${recipe.suite}` +
          ` (${count === 1 ? "1 package" : `${count} packages`}, ${megabytes(bytes)})`,
      );
      return set;
    });
  } catch (error) {
    ui.fail(`${recipe.title}: not provided`);
    throw explainCacheError(error, paths.root);
  }
}

function describe(manifest: Manifest, recipe: SetRecipe): string {
  const main = manifest.packages.find(({ name }) => name === recipe.packages[0]);
  return main?.version ?? "present";
}

/** Removes what killed processes left unfinished. Only for the holder of the lock. */
async function sweep(paths: CachePaths): Promise<void> {
  for (const name of await readdir(paths.temporary)) {
    await rm(join(paths.temporary, name), { recursive: true, force: true });
  }
}

async function makeSet(
  recipe: SetRecipe,
  paths: CachePaths,
  ui: Progress,
  signal: AbortSignal | undefined,
): Promise<PackageSet> {
  const folder = join(paths.sets, recipe.name);
  const work = await mkdtemp(join(paths.temporary, `${recipe.name}-`));
  try {
    const debs = join(work, "debs");
    const packages = await fetchPackages(recipe, debs, paths, ui, signal);
    const made = join(work, "set");
    const tree = join(made, TREE);
    await mkdir(tree, { recursive: true });
    await unpack(
      debs,
      packages,
      tree,
      (done) => {
        ui.update(`${recipe.title}: unpacking ${done} of ${packages.length}`);
      },
      signal,
    );
    if (recipe.keep) await trim(tree, recipe.keep);
    await makeLinksRelative(tree);
    await recipe.finish?.(tree, signal);
    ui.update(`${recipe.title}: checking`);
    const manifest: Manifest = {
      format: 1,
      name: recipe.name,
      suite: recipe.suite,
      created: new Date().toISOString(),
      packages: packages.map(({ name, version, architecture, bytes, sha256 }) => ({
        name,
        version,
        architecture,
        bytes,
        sha256,
      })),
      ...(await takeStock(tree, signal)),
    };
    await writeFile(join(made, MANIFEST), JSON.stringify(manifest));
    signal?.throwIfAborted();
    await putInPlace(made, folder, join(work, "old"));
    return { tree: join(folder, TREE), manifest };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

type Fetched = PackageFile & { file: string };

async function fetchPackages(
  recipe: SetRecipe,
  debs: string,
  paths: CachePaths,
  ui: Progress,
  signal: AbortSignal | undefined,
): Promise<Fetched[]> {
  const apt = new PrivateApt(paths.apt, recipe.suite, paths.root);
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
      if (freeBytes(paths.root) < total * SPACE_PER_DOWNLOAD) throw noSpace(paths.root);
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
      throw hostTrouble(`apt did not download ${file}`, undefined, cause);
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
  const result = await execa("dpkg-deb", ["--extract", deb, tree], {
    reject: false,
    stdin: "ignore",
    env: { LC_ALL: "C" },
    ...(signal ? { cancelSignal: signal } : {}),
  });
  signal?.throwIfAborted();
  if (result.code === "ENOENT") {
    throw hostTrouble("dpkg-deb is not there: it unpacks packages", "sudo apt-get install dpkg");
  }
  if (/No space left on device|Disk quota exceeded/.test(result.stderr)) throw noSpace(tree);
  if (result.failed) {
    throw hostTrouble(`${basename(deb)} cannot be unpacked: ${result.stderr.trim()}`);
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

/** Puts a finished set where it belongs; a damaged one that is there goes to `aside`. */
async function putInPlace(made: string, folder: string, aside: string): Promise<void> {
  await rename(folder, aside).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
  await rename(made, folder);
}
