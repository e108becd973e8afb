// Output files, written so that a failure loses nothing.

import { randomUUID } from "node:crypto";
import type { Stats } from "node:fs";
import { chmod, lstat, open, readlink, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";

import { makeFolders } from "./folders.js";

/**
 * Files that appear together, or not at all.
 *
 * `add` writes each one beside its target, under a name of its own; `commit` renames them. Until then an older file
 * of that name is as it was, and `discard` removes what was made here, folders included. Anything else than a regular file (a
 * device, a pipe) is written at commit, in place, and never removed. A symbolic link stays: its target is replaced.
 */
export class PendingFiles {
  readonly #files: { target: string; aside: string }[] = [];
  readonly #inPlace: { target: string; data: string | Uint8Array }[] = [];
  /** Folders made for them, the outermost first. */
  readonly #folders: string[] = [];

  /** `mode`: of a new file; one that is replaced keeps its own. */
  async add(file: string, data: string | Uint8Array, mode = 0o666): Promise<void> {
    const target = await followLinks(file);
    const found = await statOrNull(target);
    if (found !== null && !found.isFile() && !found.isDirectory()) {
      this.#inPlace.push({ target, data });
      return;
    }
    await this.addBy(file, (aside) => writeFile(aside, data, { mode, flag: "wx" }));
  }

  /** A regular file that `write` creates at the path that it is given: for one too large to be held in memory. */
  async addBy(file: string, write: (aside: string) => Promise<void>): Promise<void> {
    const target = await followLinks(file);
    const found = await statOrNull(target);
    if (found?.isDirectory() === true) throw new Error("it is a folder");
    if (found !== null && !found.isFile()) throw new Error("it is not a regular file");
    this.#folders.push(...(await makeFolders(path.dirname(target))));
    const aside = asideOf(target);
    this.#files.push({ target, aside });
    await write(aside).catch(failOnTarget);
    if (found !== null) await chmod(aside, found.mode & 0o7777);
  }

  /** All of them, in the order that they were added in. */
  async commit(): Promise<void> {
    for (const { target, data } of this.#inPlace) await writeInPlace(target, data);
    for (const file of this.#files.splice(0)) {
      try {
        await rename(file.aside, file.target);
      } catch (error) {
        this.#files.push(file);
        throw error;
      }
    }
    this.#folders.length = 0;
  }

  /** After a failure; without effect on what was committed. */
  async discard(): Promise<void> {
    for (const { aside } of this.#files.splice(0)) await rm(aside, { force: true });
    // A folder into which something else was put stays.
    for (const folder of this.#folders.splice(0).reverse())
      await rmdir(folder).catch(() => undefined);
  }
}

/** One file, whole or not at all. */
export async function replaceFile(file: string, data: string | Uint8Array): Promise<void> {
  const pending = new PendingFiles();
  try {
    await pending.add(file, data);
    await pending.commit();
  } finally {
    await pending.discard();
  }
}

/**
 * Throws what `replaceFile` would, as far as that can be known before there is anything to write. Changes nothing.
 * `what`: whether a device or a pipe will do.
 */
export async function checkReplaceable(
  file: string,
  what: "any" | "regular" = "any",
): Promise<void> {
  const target = await followLinks(file);
  const found = await statOrNull(target);
  if (found?.isDirectory() === true) throw new Error("it is a folder");
  if (found !== null && !found.isFile()) {
    if (what === "regular") throw new Error("it is not a regular file");
    // Opening a pipe would wait for its reader, or end it.
    if (!found.isFIFO()) await (await open(target, "r+").catch(() => open(target, "a"))).close();
    return;
  }
  let folder = path.dirname(target);
  while ((await statOrNull(folder)) === null) folder = path.dirname(folder);
  // By doing it: who may write where, no table of permissions tells (read-only file systems, root).
  const probe = asideOf(path.join(folder, path.basename(target)));
  await writeFile(probe, "", { flag: "wx" }).catch(failOnTarget);
  await rm(probe, { force: true });
}

const MOST_LINKS = 40;

/** Where a file's bytes go: through symbolic links, also one that leads to nothing yet. */
async function followLinks(file: string): Promise<string> {
  let target = path.resolve(file);
  for (let links = 0; links < MOST_LINKS; links++) {
    const found = await lstat(target).catch((error: unknown) => nullIfAbsent(error));
    if (found?.isSymbolicLink() !== true) return target;
    // /dev/stdout leads into /proc, whose links name no file.
    if ((await statOrNull(target))?.isFile() === false) return target;
    target = path.resolve(path.dirname(target), await readlink(target));
  }
  throw new Error("too many symbolic links");
}

async function writeInPlace(target: string, data: string | Uint8Array): Promise<void> {
  const handle = await open(target, "a");
  try {
    await handle.writeFile(data);
  } finally {
    await handle.close();
  }
}

/** Hidden, and short enough whatever the target's name. */
function asideOf(target: string): string {
  return path.join(path.dirname(target), `.xenlet-${randomUUID()}`);
}

/** Names the system's reason alone: a name that was made up here would puzzle who reads it. */
function failOnTarget(error: unknown): never {
  if (error instanceof Error) error.message = error.message.replace(/, \w+(?: '.*')?$/, "");
  throw error;
}

async function statOrNull(file: string): Promise<Stats | null> {
  return stat(file).catch((error: unknown) => nullIfAbsent(error));
}

function nullIfAbsent(error: unknown): null {
  if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
  throw error;
}
