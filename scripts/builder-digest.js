/**
 * What a bundle knows about the sources it is made from: their digest, which names what it builds in the cache. So the
 * command, a program of the repository and a test all find what one of them has built, and none what other sources did.
 */
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { NODE_BUNDLE } from "./node-bundle.js";

const root = fileURLToPath(new URL("..", import.meta.url));

/** For esbuild's `define`. The digest is taken by the program's own code: src/host/build/builder-digest.ts. */
export async function builderDefine() {
  const outfile = path.join(root, "node_modules/.cache/run-ts", `${randomUUID()}.mjs`);
  await build({
    entryPoints: [path.join(root, "src/host/build/builder-digest.ts")],
    ...NODE_BUNDLE,
    outfile,
  });
  try {
    const { digestOfBuilder } = await import(pathToFileURL(outfile).href);
    return { XENLET_BUILDER_DIGEST: JSON.stringify(digestOfBuilder()) };
  } finally {
    await rm(outfile, { force: true });
  }
}
