// What the package brings along compiled, so that a first run compiles the user's guest and nothing else: `npm pack`
// makes it (scripts/prebuilt.ts). It is named after our own sources and flags, and not after the compiler, so that it
// fits whichever gcc the user has.
//
//   prebuilt/KIND/NAME/              an entry, as in the cache

import { join } from "node:path";

import { packageRoot } from "../base/package-root.js";
import type { Kind } from "./kinds.js";

export const PREBUILT = join(packageRoot, "prebuilt");

/** Absolute; need not exist. */
export function shippedFolder(kind: Kind, name: string): string {
  return join(PREBUILT, kind.folder, name);
}
