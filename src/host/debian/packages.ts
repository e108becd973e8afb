// Any other Debian packages, unpacked: headers to check against, parts of a dom0.

import { createHash } from "node:crypto";
import { UserError } from "../base/errors.js";
import type { Progress } from "../base/progress.js";
import type { Suite } from "./releases.js";
import { provideSet, type SetOptions } from "./sets.js";

export interface UnpackedPackages {
  /** Absolute; where the packages' `/` is. */
  root: string;
  /** The exact version of each package unpacked there, by name. */
  versions: Record<string, string>;
}

/**
 * Packages of a suite, unpacked into one tree of the cache. With `closure`, everything
 * they depend on too. Nothing is installed: maintainer scripts do not run.
 * Throws UserError for an invalid package name, and if a package is not available.
 */
export async function providePackages(
  names: string[],
  suite: Suite,
  ui: Progress,
  options: SetOptions & { closure?: boolean } = {},
): Promise<UnpackedPackages> {
  const packages = [...new Set(names)].sort();
  const wrong = packages.find((name) => !/^[a-z0-9][a-z0-9+.-]+$/.test(name));
  if (wrong !== undefined || packages.length === 0) {
    throw new UserError(
      wrong === undefined ? "expected the names of packages" : `"${wrong}" is not a package name`,
    );
  }
  const closure = options.closure ?? false;
  const { tree, manifest } = await provideSet(
    {
      name: setName(packages, suite, closure),
      title: `${packages.slice(0, 3).join(", ")}${packages.length > 3 ? ", …" : ""}`,
      suite,
      packages,
      closure,
    },
    ui,
    options,
  );
  return {
    root: tree,
    versions: Object.fromEntries(
      (manifest.packages ?? []).map(({ name, version }) => [name, version]),
    ),
  };
}

/** Readable, and different for everything that makes the set different. */
function setName(packages: string[], suite: Suite, closure: boolean): string {
  const key = JSON.stringify([packages, closure]);
  const hash = createHash("sha256").update(key).digest("hex").slice(0, 8);
  const readable = packages.length === 1 ? (packages[0] ?? "") : `${packages.length}-packages`;
  return `${suite}-${readable}-${hash}`;
}
