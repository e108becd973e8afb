// The cache: kind, key, make. An entry is a folder that appears whole, by a rename, or not at all:
//
//   KIND/NAME/manifest.json   what is in it, from what, with sizes, times and checksums
//   KIND/NAME/tree/           its files
//   work/                     what is being made or removed, under the marks of the processes that do it
//   locks/, lock              held while an entry is being made
//   CACHEDIR.TAG              "all of this can be made again" (bford.info/cachedir): backups leave it out
//
// On each use an entry is looked at by size and time; what does not fit is made again. A file of the right size with
// another time is read: a cache that was copied or restored by a CI is sound, and its times are updated once.

import { existsSync, lstatSync, readFileSync, readdirSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join, resolve, sep } from "node:path";

import { makeFolders } from "../base/folders.js";
import { errnoCode, hostError, isMissing } from "../base/host-error.js";
import { cacheFolder } from "./cache-folder.js";
import { explainCacheError, notWritable } from "./cache-error.js";
import { checkFile, describeProblem, lookAt, takeStock } from "./contents.js";
import { ALL_KINDS, FORMER_FOLDERS, KINDS, type Kind } from "./kinds.js";
import { withLock } from "./lock.js";
import {
  MANIFEST,
  TREE,
  parseManifest,
  readManifest,
  type Manifest,
  type Origin,
} from "./manifest.js";
import { isAbandoned, ownerMark } from "./owner.js";
import { shippedFolder } from "./shipped.js";
import { given } from "../base/given.js";

export const TAG = "CACHEDIR.TAG";
const TAG_TEXT =
  "Signature: 8a477f597d28d172789f06886806bc55\n# What xenlet downloaded and built; see xenlet cache --help.\n";

/**
 * A kind with many entries is checked against its limit whenever it has grown by this many: for its size each one's manifest is read, and
 * for a thousand of them that takes longer than asc does.
 */
const LOOKS_AT_LIMIT = 16;

/** Entries used this recently stay, whatever the limit is: another process may be about to open them. */
const IN_USE_MS = 60 * 60 * 1000;
/** How exactly the time of an entry's last use is kept. */
const USE_NOTED_MS = 10 * 60 * 1000;

export interface Entry {
  kind: Kind;
  name: string;
  /** Absolute; the folder with the manifest. */
  folder: string;
  /** Absolute; the folder with the files. */
  tree: string;
  manifest: Manifest;
}

/** Why there is no entry that can be used; `damage` is null if there is none at all. */
export interface Absent {
  damage: string | null;
}

export interface ProvideOptions {
  signal?: AbortSignal | undefined;
  /** Called once if another process is making it, and has been for a while. */
  onWait?: () => void;
  /** Called before it is made again because what is there is damaged. */
  onDamage?: (damage: string) => void;
  /** Why a sound entry is unsuitable nevertheless (an older recipe's), or null. */
  refuse?: (manifest: Manifest) => string | null;
}

export interface Workplace {
  /** What is put there is the entry. */
  tree: string;
  /** For intermediate files; gone afterwards. On the same file system. */
  scratch: string;
  signal?: AbortSignal | undefined;
}

/** Fills the workplace's tree; what it throws undoes the entry. What it returns stands in the manifest. */
export type Make = (at: Workplace) => Promise<Origin | undefined>;

/** The entries that this process has used, by folder: what a failure of a tool or a boot may come from. */
const used = new Map<string, Entry>();
export const entriesUsed = (): Entry[] => [...used.values()];

const sweptRoots = new Map<string, Promise<void>>();

export class Cache {
  readonly root: string;

  /** Throws UserError for a location that apt.conf, ld.so or QEMU's options could not name. */
  constructor(root: string = cacheFolder()) {
    this.root = resolve(root);
    const wrong = /[":;,\\\n]/.exec(this.root);
    if (wrong)
      throw hostError(
        `the cache cannot be in ${this.root}: its path may not contain ${JSON.stringify(wrong[0])}`,
        "XENLET_CACHE=/a/plain/path xenlet …",
      );
  }

  /** Absolute; need not exist. */
  folderOf(kind: Kind): string {
    return join(this.root, kind.folder);
  }
  get work(): string {
    return join(this.root, "work");
  }
  get locks(): string {
    return join(this.root, "locks");
  }
  /** For packages, whose lists are everybody's. */
  get lock(): string {
    return join(this.root, "lock");
  }

  /** Whether it is this cache's to change; what the package brought along is not. */
  owns(path: string): boolean {
    return path.startsWith(this.root + sep);
  }

  #place(kind: Kind, name: string): string {
    if (!/^[A-Za-z0-9][\w.+~-]{0,199}$/.test(name))
      throw new Error(`"${name}" cannot be the name of an entry of the cache`);
    return join(this.folderOf(kind), name);
  }

  /** The entry of that name, if there is one that can be used: looked at, and noted as used. Makes nothing. */
  async find(
    kind: Kind,
    name: string,
    options: Pick<ProvideOptions, "refuse"> = {},
  ): Promise<Entry | Absent> {
    return this.#findAt(this.#place(kind, name), kind, name, options);
  }

  /** What the package brought along under that name, or null; it is used in place, and never written. */
  async shipped(kind: Kind & { shipped: true }, name: string): Promise<Entry | null> {
    const found = await this.#findAt(shippedFolder(kind, name), kind, name, {});
    return "tree" in found ? found : null;
  }

  async #findAt(
    folder: string,
    kind: Kind,
    name: string,
    { refuse }: Pick<ProvideOptions, "refuse">,
  ): Promise<Entry | Absent> {
    let manifest: Manifest;
    try {
      manifest = await readManifest(folder);
    } catch (error) {
      if (!isMissing(error)) return { damage: (error as Error).message };
      // A folder without a manifest is nothing that we put there.
      const there = await stat(folder).catch(() => null);
      return { damage: there === null ? null : `${MANIFEST} is missing` };
    }
    const damage = await checkTouched(folder, manifest, this.owns(folder));
    if (damage !== null) return { damage };
    const why = refuse?.(manifest) ?? null;
    if (why !== null) return { damage: why };
    const entry = { kind, name, folder, tree: join(folder, TREE), manifest };
    used.set(folder, entry);
    if (this.owns(folder)) await noteUse(folder);
    return entry;
  }

  /**
   * The entry of that name: as it is in the cache, else made. One process makes it, others wait for it.
   * Throws UserError (the cache cannot be written, the disk is full), what `make` throws, or `signal`'s reason; then
   * nothing is left of it.
   */
  async provide(
    kind: Kind,
    name: string,
    make: Make,
    options: ProvideOptions = {},
  ): Promise<Entry> {
    const found = await this.find(kind, name, options);
    if ("tree" in found) return found;
    const { signal, onWait, onDamage } = options;
    return this.#explained(async () => {
      await this.create(kind);
      const lock = kind === KINDS.packages ? this.lock : join(this.locks, `${kind.folder}.${name}`);
      const wait = { signal, ...given({ onWait }), remove: lock !== this.lock };
      return withLock(lock, wait, async () => {
        const meanwhile = await this.find(kind, name, options);
        if ("tree" in meanwhile) return meanwhile;
        if (meanwhile.damage !== null) onDamage?.(meanwhile.damage);
        return this.#make(kind, name, make, signal);
      });
    });
  }

  /** Makes the entry, whatever there is under that name, and without waiting for anybody. Throws as `provide` does. */
  async replace(kind: Kind, name: string, make: Make, signal?: AbortSignal): Promise<Entry> {
    return this.#explained(async () => {
      await this.create(kind);
      return this.#make(kind, name, make, signal);
    });
  }

  /**
   * For kinds that hold files: `write` makes a file or link under the path that it is given, which then takes the
   * place of what had that name. Returns its path. Throws UserError if the cache cannot be written.
   */
  async putFile(
    kind: Kind,
    name: string,
    write: (path: string) => Promise<unknown>,
  ): Promise<string> {
    const place = this.#place(kind, name);
    return this.#explained(async () => {
      await this.create(kind);
      await this.#inWork(kind, name, async (work) => {
        await write(join(work, "file"));
        await rename(join(work, "file"), place);
      });
      await this.enforceLimit(kind);
      return place;
    });
  }

  /** Removes it in one step, so no reader finds half of it. Does nothing if it does not exist. */
  async remove(kind: Kind, name: string): Promise<void> {
    await this.removePath(join(this.folderOf(kind), name));
  }

  /** The same for a file or folder anywhere below the root. */
  async removePath(path: string): Promise<void> {
    used.delete(path);
    await makeFolders(this.work);
    const doomed = await mkdtemp(join(this.work, `removed${ownerMark()}`));
    await rename(path, join(doomed, "it")).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
    await rm(doomed, { recursive: true, force: true });
  }

  /** Makes the cache and the kind's folder, and sweeps. Throws UserError if it cannot be written. */
  async create(kind: Kind): Promise<void> {
    try {
      await makeFolders(this.root);
      await tagIfOurs(this.root);
      for (const folder of [this.folderOf(kind), this.work, this.locks]) await makeFolders(folder);
    } catch (error) {
      throw notWritable(error, this.root);
    }
    let swept = sweptRoots.get(this.root);
    if (swept === undefined)
      sweptRoots.set(this.root, (swept = this.sweep().then(() => undefined)));
    await swept;
  }

  /** Throws UserError if there is no cache and none can be made: before the work whose results it would keep. */
  async checkPlace(): Promise<void> {
    if (existsSync(this.root)) return;
    await makeFolders(this.root).catch((error: unknown) => {
      throw notWritable(error, this.root);
    });
  }

  /** Removes what killed processes were making. What cannot be removed stays. Returns the names. */
  async sweep(): Promise<string[]> {
    const swept: string[] = [];
    for (const name of await readdir(this.work).catch(() => [])) {
      const path = join(this.work, name);
      const found = await stat(path).catch(() => null);
      if (found === null || !isAbandoned(name, found.mtimeMs)) continue;
      await rm(path, { recursive: true, force: true }).catch(() => undefined);
      swept.push(name);
    }
    return swept;
  }

  /** Forgets what was used least recently, until the kind's limit holds. */
  async enforceLimit(kind: Kind): Promise<void> {
    const { limit } = kind;
    if (limit === undefined) return;
    const folder = this.folderOf(kind);
    const names = readdirSync(folder);
    const tooMany = names.length > (limit.entries ?? Infinity);
    if (!tooMany && names.length > LOOKS_AT_LIMIT && names.length % LOOKS_AT_LIMIT !== 0) return;
    const found = [];
    // Synchronous: each boot comes by here, and each stage of a build, and a thousand entries take 5 ms, or else 100.
    for (const name of names) {
      const path = join(folder, name);
      const info = lstatSync(path, { throwIfNoEntry: false }); // another process may be tidying up, too
      if (info === undefined) continue;
      const bytes = limit.bytes === undefined ? 0 : bytesOfEntry(path);
      found.push({ path, bytes, used: info.mtimeMs });
    }
    found.sort((a, b) => a.used - b.used || (a.path < b.path ? -1 : 1));
    let entries = found.length;
    let bytes = found.reduce((sum, one) => sum + one.bytes, 0);
    for (const one of found) {
      if (entries <= (limit.entries ?? Infinity) && bytes <= (limit.bytes ?? Infinity)) break;
      if (Date.now() - one.used < IN_USE_MS) break;
      await this.removePath(one.path);
      entries -= 1;
      bytes -= one.bytes;
    }
  }

  async #make(kind: Kind, name: string, make: Make, signal?: AbortSignal): Promise<Entry> {
    const place = this.#place(kind, name);
    const manifest = await this.#inWork(kind, name, async (work) => {
      const made = join(work, "entry");
      const tree = join(made, TREE);
      const scratch = join(work, "scratch");
      await mkdir(tree, { recursive: true });
      await mkdir(scratch);
      const origin = await make({ tree, scratch, signal });
      const written: Manifest = {
        format: 1,
        name,
        created: new Date().toISOString(),
        ...origin,
        ...(await takeStock(tree, signal)),
      };
      await writeFile(join(made, MANIFEST), JSON.stringify(written));
      signal?.throwIfAborted();
      await putInPlace(made, place, join(work, "old"));
      return written;
    });
    const entry = { kind, name, folder: place, tree: join(place, TREE), manifest };
    used.set(place, entry);
    knownBytes.set(place, bytesIn(manifest));
    await this.enforceLimit(kind);
    return entry;
  }

  /** A folder to work in, on the cache's own file system; gone afterwards. */
  async #inWork<T>(kind: Kind, name: string, work: (folder: string) => Promise<T>): Promise<T> {
    const folder = await mkdtemp(join(this.work, `${kind.folder}-${name}${ownerMark()}`));
    try {
      return await work(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #explained<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw explainCacheError(error, this.root);
    }
  }
}

/** Why the entry cannot be used, or null: reads those files whose time is not the noted one, and notes it. */
async function checkTouched(
  folder: string,
  manifest: Manifest,
  noteTimes: boolean,
): Promise<string | null> {
  const { problem, touched } = lookAt(folder, manifest);
  if (problem !== null) return describeProblem(problem);
  if (touched.length === 0) return null;
  for (const file of touched) {
    const wrong = await checkFile(folder, file);
    if (wrong !== null) return describeProblem(wrong);
    file.time = (await stat(join(folder, TREE, file.path))).mtimeMs;
  }
  if (!noteTimes) return null;
  // Where it cannot be written, they are read again the next time.
  const fresh = `${join(folder, MANIFEST)}${ownerMark()}`;
  await writeFile(fresh, JSON.stringify(manifest))
    .then(() => rename(fresh, join(folder, MANIFEST)))
    .catch(() => rm(fresh, { force: true }).catch(() => undefined));
  return null;
}

async function noteUse(folder: string): Promise<void> {
  const now = new Date();
  const last = await stat(folder).catch(() => null);
  if (last !== null && now.getTime() - last.mtimeMs > USE_NOTED_MS)
    await utimes(folder, now, now).catch(() => undefined);
}

/** Of entries' files, by folder: a process that makes many does not read all manifests each time. */
const knownBytes = new Map<string, number>();

/** What its manifest says; a limit need not be exact. */
function bytesOfEntry(folder: string): number {
  let bytes = knownBytes.get(folder);
  if (bytes === undefined) {
    bytes = bytesIn(manifestIn(folder));
    knownBytes.set(folder, bytes);
  }
  return bytes;
}

function manifestIn(folder: string): Manifest | null {
  try {
    return parseManifest(readFileSync(join(folder, MANIFEST), "utf8"));
  } catch {
    return null;
  }
}

const bytesIn = (manifest: Manifest | null): number =>
  manifest?.files.reduce((sum, file) => sum + file.bytes, 0) ?? 0;

/** Puts a finished entry where it belongs; what is there goes to `aside`. */
async function putInPlace(made: string, place: string, aside: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    await rename(place, `${aside}-${attempt}`).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
    try {
      await rename(made, place);
      return;
    } catch (error) {
      // Without a lock two can be here: the other one was quicker.
      const taken = ["ENOTEMPTY", "EEXIST"].includes(errnoCode(error) ?? "");
      if (!taken || attempt === 3) throw error;
    }
  }
}

/** Tags a folder that has nothing in it but what xenlet puts there; a home that was named by mistake stays what it is. */
async function tagIfOurs(root: string): Promise<void> {
  const names = await readdir(root);
  if (names.includes(TAG)) return;
  const ours = new Set<string>([
    ...ALL_KINDS.map((kind) => kind.folder),
    ...FORMER_FOLDERS,
    ...["work", "locks", "lock"],
  ]);
  if (names.every((name) => ours.has(name)))
    await writeFile(join(root, TAG), TAG_TEXT, { flag: "wx" }).catch((error: unknown) => {
      if (errnoCode(error) !== "EEXIST") throw error;
    });
}
