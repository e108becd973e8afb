/** A name for an image that QEMU can pass on as a module, whatever its path is. */
import { createHash } from "node:crypto";
import { symlink } from "node:fs/promises";
import path from "node:path";
import { Cache } from "../cache/cache.js";
import { KINDS } from "../cache/kinds.js";

/**
 * The image's absolute path; for one with white space, which ends a module's
 * name for QEMU, a symbolic link to it in the cache. The same path gives the
 * same link, so that a printed command keeps working.
 */
export async function imagePathForQemu(image: string): Promise<string> {
  const file = path.resolve(image);
  if (!/\s/.test(file)) return file;
  const name = createHash("sha256").update(file).digest("hex").slice(0, 16);
  return new Cache().putFile(KINDS.images, `${name}.elf`, (link) => symlink(file, link));
}
