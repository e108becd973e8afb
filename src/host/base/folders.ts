// Folders with what is above them.

import { mkdir, stat } from "node:fs/promises";
import path from "node:path";

/**
 * As `mkdir -p`; returns what was made, the outermost first. Node's own `recursive` never returns where a file system
 * takes no folders and says ENOENT, as /proc does.
 */
export async function makeFolders(folder: string): Promise<string[]> {
  const missing: string[] = [];
  let top = path.resolve(folder);
  while (!(await isThere(top))) {
    missing.unshift(top);
    top = path.dirname(top);
  }
  const made: string[] = [];
  for (const one of missing) {
    try {
      await mkdir(one);
      made.push(one);
    } catch (error) {
      // Another process was faster.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
  if (!(await stat(folder)).isDirectory()) {
    const message = `ENOTDIR: not a directory, mkdir '${folder}'`;
    throw Object.assign(new Error(message), { code: "ENOTDIR" });
  }
  return made;
}

async function isThere(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
