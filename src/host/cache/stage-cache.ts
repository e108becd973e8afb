// Results of build stages, kept by what they were made from: a build redoes only what changed.
//
// An entry is named after a digest of everything that its stage reads, so what changes has another name.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { deserialize, serialize } from "node:v8";
import { gunzipSync, gzipSync } from "node:zlib";

import { Cache } from "./cache.js";
import type { Kind } from "./kinds.js";
import { packageRoot } from "../base/package-root.js";

/** Files by name, as a stage left them. */
export type StageFiles = Record<string, Uint8Array>;

export function digest(...parts: (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  // Each part with its length: "a","bc" is not "ab","c".
  for (const part of parts) {
    const bytes = typeof part === "string" ? Buffer.from(part) : part;
    hash.update(`${String(bytes.length)}:`).update(bytes);
  }
  return hash.digest("hex");
}

/** Of files that this process has read before, by path; `identity` says whether one still is what it was. */
const known = new Map<string, { identity: string; digest: string }>();

/** Of a file's content. Throws what reading it does. */
export function digestFile(file: string): string {
  const { dev, ino, size, mtimeMs, ctimeMs } = statSync(file);
  const identity = [dev, ino, size, mtimeMs, ctimeMs].join();
  const before = known.get(file);
  if (before?.identity === identity) return before.digest;
  const now = digest(readFileSync(file));
  known.set(file, { identity, digest: now });
  return now;
}

/** Of a folder's files, with their names. Synchronous: hundreds of files of some KB each take longer one promise at a time. */
export function digestFolder(
  folder: string,
  wanted: (name: string) => boolean = () => true,
): string {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && wanted(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return digest(...names.flatMap((name) => [relative(folder, name), digestFile(name)]));
}

let own: string | undefined;

/**
 * Of the code that builds: this package's compiled files, the sources in src/host/build, or (for a program of the
 * repository that was bundled on its own) that one file.
 */
export function digestOfOwnCode(): string {
  const file = fileURLToPath(import.meta.url);
  const inside = (folder: string): boolean => file.startsWith(join(packageRoot, folder) + sep);
  own ??= inside("dist")
    ? digestFolder(join(packageRoot, "dist"), (name) => name.endsWith(".js"))
    : inside("src")
      ? digestFolder(join(packageRoot, "src/host/build"), (name) => name.endsWith(".ts"))
      : digestFile(file);
  return own;
}

/** A name for what has that digest: long enough that no two share one, short enough to be read. */
export const entryName = (key: string): string => key.slice(0, 40);

const PACKED = "files.gz";

/** What was stored under that key, or null. */
export async function loadStage(kind: Kind, key: string): Promise<StageFiles | null> {
  try {
    const found = await new Cache().find(kind, entryName(key));
    if (!("tree" in found)) return null;
    const packed = await readFile(join(found.tree, PACKED));
    // It is read whole in any case.
    const sum = createHash("sha256").update(packed).digest("hex");
    if (found.manifest.files[0]?.sha256 !== sum) return null;
    return deserialize(gunzipSync(packed)) as StageFiles;
  } catch {
    return null; // another process prunes, or the cache is where none can be: fixedObjects() says so
  }
}

/** Stores them. An unwritable cache is treated as absent, not as an error. */
export async function storeStage(kind: Kind, key: string, files: StageFiles): Promise<void> {
  const packed = gzipSync(serialize(files), { level: 1 });
  await new Cache()
    .replace(kind, entryName(key), async ({ tree }) => {
      await writeFile(join(tree, PACKED), packed);
      return undefined;
    })
    .catch(() => undefined);
}
