/** A name for an image that QEMU can pass on as a module, whatever its path is. */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, rename, symlink } from "node:fs/promises";
import path from "node:path";
import { cacheFolder } from "../cache/cache-folder.js";
import { UserError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";

/**
 * The image's absolute path; for one with white space, which ends a module's
 * name for QEMU, a symbolic link to it in the cache. The same path gives the
 * same link, so that a printed command keeps working.
 */
export async function imagePathForQemu(image: string): Promise<string> {
  const file = path.resolve(image);
  if (!/\s/.test(file)) return file;
  const name = createHash("sha256").update(file).digest("hex").slice(0, 16);
  const link = path.join(cacheFolder(), "images", `${name}.elf`);
  // Made aside and renamed: a run at the same time finds it whole.
  const fresh = `${link}.${randomUUID()}`;
  try {
    await mkdir(path.dirname(link), { recursive: true });
    await symlink(file, fresh);
    await rename(fresh, link);
  } catch (error) {
    throw new UserError(
      `the image's path has white space, and a link to it in the cache cannot be made: ` +
        (error as Error).message,
      { exitCode: ExitCode.HOST, cause: error },
    );
  }
  return link;
}
