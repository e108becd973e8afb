// xl/preload/soft_reset.so, built against the headers of a release's libxl: what gives xl the soft reset of PVH domains.

import { createHash } from "node:crypto";
import { mkdir, readFile, rename, stat } from "node:fs/promises";
import path from "node:path";
import { execa } from "execa";

import { cacheFolder } from "../cache/cache-folder.js";
import { UserError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { packageRoot } from "../base/package-root.js";
import type { Progress } from "../base/progress.js";
import { providePackages, suiteOf, type XenRelease } from "../debian/index.js";

/** The library's path; built once for each version of its source and of libxl. Throws UserError when it cannot be. */
export async function providePreload(
  release: XenRelease,
  ui: Progress,
  options: { signal?: AbortSignal } = {},
): Promise<string> {
  const { root, versions } = await providePackages(["libxen-dev"], suiteOf(release), ui, options);
  const folder = path.join(packageRoot, "xl", "preload");
  const key = createHash("sha256").update(JSON.stringify(versions));
  for (const name of ["soft_reset.c", "build.sh"])
    key.update(await readFile(path.join(folder, name)));
  const output = path.join(
    cacheFolder(),
    "dom0",
    `soft_reset-${release}-${key.digest("hex").slice(0, 16)}.so`,
  );
  if ((await stat(output).catch(() => null))?.isFile() === true) return output;
  const fresh = `${output}.${process.pid}`;
  try {
    await mkdir(path.dirname(output), { recursive: true });
    await execa(path.join(folder, "build.sh"), [fresh], { env: { ROOT: root } });
    await rename(fresh, output);
  } catch (error) {
    throw new UserError(`xl/preload/build.sh failed: ${(error as Error).message}`, {
      exitCode: ExitCode.HOST,
      cause: error,
    });
  }
  return output;
}
