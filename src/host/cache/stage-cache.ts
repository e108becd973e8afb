// Results of build stages, kept by what they were made from: a build redoes only what changed.
//
// An entry is one file, named after a digest of everything that its stage reads. Nothing is ever updated in
// place: what changes has another name. An entry carries its own checksum, and one that does not fit is none.

import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { deserialize, serialize } from "node:v8";
import { gunzipSync, gzipSync } from "node:zlib";

import { cacheFolder } from "./cache-folder.js";
import { packageRoot } from "../base/package-root.js";

/** Files by name, as a stage left them. */
export type StageFiles = Record<string, Uint8Array>;

/** Beyond this the entries that were not used for longest go. */
const MAX_BYTES = 256 * 2 ** 20;
const DIGEST_BYTES = 32;

export function digest(...parts: (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  // Each part with its length: "a","bc" is not "ab","c".
  for (const part of parts) {
    const bytes = typeof part === "string" ? Buffer.from(part) : part;
    hash.update(`${String(bytes.length)}:`).update(bytes);
  }
  return hash.digest("hex");
}

/** Of a folder's files, with their names. */
export async function digestFolder(
  folder: string,
  wanted: (name: string) => boolean = () => true,
): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile() && wanted(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const parts = await Promise.all(
    names.map(async (name) => [relative(folder, name), await readFile(name)] as const),
  );
  return digest(...parts.flat());
}

let own: Promise<string> | undefined;

/**
 * Of the code that builds: this package's compiled files, the sources in src/host/build, or (for a program of the
 * repository that was bundled on its own) that one file.
 */
export async function digestOfOwnCode(): Promise<string> {
  const file = fileURLToPath(import.meta.url);
  const inside = (folder: string): boolean => file.startsWith(join(packageRoot, folder) + sep);
  own ??= inside("dist")
    ? digestFolder(join(packageRoot, "dist"), (name) => name.endsWith(".js"))
    : inside("src")
      ? digestFolder(join(packageRoot, "src/host/build"), (name) => name.endsWith(".ts"))
      : readFile(file).then((bytes) => digest(bytes));
  return own;
}

function entryPath(stage: string, key: string): string {
  return join(cacheFolder(), "stages", `${stage}-${key.slice(0, 40)}`);
}

/** What was stored under that key, or null. */
export async function loadStage(stage: string, key: string): Promise<StageFiles | null> {
  const path = entryPath(stage, key);
  const bytes = await readFile(path).catch(() => null);
  if (bytes === null) return null;
  const packed = bytes.subarray(DIGEST_BYTES);
  if (!createHash("sha256").update(packed).digest().equals(bytes.subarray(0, DIGEST_BYTES)))
    return null;
  const now = new Date();
  await utimes(path, now, now).catch(() => undefined); // used: not the next one to go
  return deserialize(gunzipSync(packed)) as StageFiles;
}

/** Stores them. A cache that cannot be written is no cache, and no error. */
export async function storeStage(stage: string, key: string, files: StageFiles): Promise<void> {
  const path = entryPath(stage, key);
  const packed = gzipSync(serialize(files), { level: 1 });
  const partial = `${path}.${randomUUID()}`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(partial, [createHash("sha256").update(packed).digest(), packed]);
    await rename(partial, path); // whole or not at all, whoever else is building
    await forgetOldest(dirname(path));
  } catch {
    await rm(partial, { force: true }).catch(() => undefined);
  }
}

async function forgetOldest(folder: string): Promise<void> {
  const entries = await Promise.all(
    (await readdir(folder)).map(async (name) => {
      const path = join(folder, name);
      const found = await stat(path).catch(() => null); // another process may be tidying up, too
      return { path, bytes: found?.size ?? 0, used: found?.mtimeMs ?? 0 };
    }),
  );
  let bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  if (bytes <= MAX_BYTES) return;
  entries.sort((a, b) => a.used - b.used);
  for (const entry of entries) {
    if (bytes <= MAX_BYTES / 2) break;
    await rm(entry.path, { force: true });
    bytes -= entry.bytes;
  }
}
