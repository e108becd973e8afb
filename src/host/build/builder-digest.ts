// The code that turns a guest into an image, as a digest: the same in a clone and in the package that is made of it.

import { join } from "node:path";

import { packageRoot } from "../base/package-root.js";
import { digest, digestFolder } from "../cache/stage-cache.js";

/** What a bundle is made of, put in by who makes it (scripts/builder-digest.js): the sources may be newer, or not there. */
declare const XENLET_BUILDER_DIGEST: string | undefined;

const SOURCES = ["src/host/build", "src/host/elf"].map((folder) => join(packageRoot, folder));

let ofSources: string | undefined;

/** The code that runs does not change, so it is read once. */
export function digestOfBuilder(): string {
  if (typeof XENLET_BUILDER_DIGEST === "string") return XENLET_BUILDER_DIGEST;
  ofSources ??= digest(...SOURCES.map((folder) => digestFolder(folder)));
  return ofSources;
}
