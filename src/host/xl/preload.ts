// xl/preload/soft_reset.so, built against the headers of a release's libxl: what gives xl the soft reset of PVH domains.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";

import { hostError } from "../base/host-error.js";
import { packageRoot } from "../base/package-root.js";
import type { Progress } from "../base/progress.js";
import { Cache } from "../cache/cache.js";
import { KINDS } from "../cache/kinds.js";
import { providePackages, suiteOf, type XenRelease } from "../debian/index.js";
import { given } from "../base/given.js";

const LIBRARY = "soft_reset.so";

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
  const { tree } = await new Cache().provide(
    KINDS.preload,
    `soft_reset-${release}-${key.digest("hex").slice(0, 16)}`,
    async (at) => {
      await build(path.join(folder, "build.sh"), path.join(at.tree, LIBRARY), root, at.signal);
      return undefined;
    },
    options,
  );
  return path.join(tree, LIBRARY);
}

async function build(
  script: string,
  output: string,
  root: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { execa } = await import("execa");
  const result = await execa(script, [output], {
    reject: false,
    env: { ROOT: root },
    ...given({ cancelSignal: signal }),
  });
  signal?.throwIfAborted();
  if (result.failed)
    throw hostError(`xl/preload/build.sh failed: ${result.stderr || result.shortMessage || ""}`);
}
