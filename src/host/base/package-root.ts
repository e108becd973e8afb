// Where this package's own files are: the same whether the code runs bundled (dist/) or from src/.

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "boot", "start.S"))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new Error("xenlet's own files (boot/, runtime/, src/guest/) are missing: reinstall it");
    folder = parent;
  }
  return folder;
}

/** The folder that holds boot/, runtime/ and src/guest/. */
export const packageRoot = findRoot();
