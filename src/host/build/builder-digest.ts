// The code that turns a guest into an image, as a digest: the same in a clone and in the package that is made of it.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { packageRoot } from "../base/package-root.js";
import { BUILDER_DIGEST } from "../cache/shipped.js";
import { digest, digestFolder, digestOfOwnCode } from "../cache/stage-cache.js";

/** The sources, where there are any; a package has them bundled only, and their digest. */
const SOURCES = ["src/host/build", "src/host/elf"].map((folder) => join(packageRoot, folder));

export async function digestOfBuilder(): Promise<string> {
  if (SOURCES.every((folder) => existsSync(folder)))
    return digest(...(await Promise.all(SOURCES.map((folder) => digestFolder(folder)))));
  return readFile(BUILDER_DIGEST, "utf8").catch(() => digestOfOwnCode());
}
