/** What runs and builds leave in the cache beside Debian's packages: logs, images that --dry-run named, stages. */
import { readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { cacheFolder } from "../cache/cache-folder.js";

export interface Leftover {
  name: "logs" | "images" | "stages";
  bytes: number;
  files: number;
}

const NAMES: Leftover["name"][] = ["logs", "images", "stages"];

export async function listLeftovers(): Promise<Leftover[]> {
  const all = await Promise.all(NAMES.map(measure));
  return all.filter((one) => one.files > 0);
}

async function measure(name: Leftover["name"]): Promise<Leftover> {
  const folder = path.join(cacheFolder(), name);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => !entry.isDirectory());
  const sizes = await Promise.all(
    files.map(async (entry) => {
      // A link counts as itself; what vanishes meanwhile counts as nothing.
      if (entry.isSymbolicLink()) return 0;
      return stat(path.join(entry.parentPath, entry.name)).then(
        (found) => found.size,
        () => 0,
      );
    }),
  );
  return { name, files: files.length, bytes: sizes.reduce((sum, bytes) => sum + bytes, 0) };
}

/** A run that is going on keeps writing its log, which then has no name any more. */
export async function pruneLeftovers(): Promise<Leftover[]> {
  const found = await listLeftovers();
  for (const { name } of found)
    await rm(path.join(cacheFolder(), name), { recursive: true, force: true });
  return found;
}
