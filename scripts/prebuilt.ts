/**
 * Makes prebuilt/, what a package brings along compiled: the objects of boot/ and runtime/, and the images of our
 * toolstack. src/host/cache/shipped.ts has how they are found.
 */
import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  TOOLSTACK_PROGRAMS,
  buildToolstack,
  nameOfToolstack,
} from "../src/host/boot/toolstack-image.js";
import { compileFixedObjects, nameOfFixedObjects } from "../src/host/build/link/toolchain.js";
import { MANIFEST } from "../src/host/cache/manifest.js";
import type { Entry } from "../src/host/cache/cache.js";
import { PREBUILT, shippedFolder } from "../src/host/cache/shipped.js";

/** A manifest says under which name its entry is to be found. */
async function ship({ kind, folder, manifest }: Entry, name: string): Promise<void> {
  const place = shippedFolder(kind, name);
  await cp(folder, place, { recursive: true });
  await writeFile(path.join(place, MANIFEST), JSON.stringify({ ...manifest, name }));
}

await rm(PREBUILT, { recursive: true, force: true });
await mkdir(PREBUILT);
for (const hypercall of ["direct", "page"] as const)
  await ship(await compileFixedObjects(hypercall), nameOfFixedObjects(hypercall));
for (const program of TOOLSTACK_PROGRAMS)
  await ship(await buildToolstack(program), nameOfToolstack(program));
