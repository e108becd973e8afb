// Debian's Linux kernel, as the ELF file that PVH boots: the package has it compressed, in a bzImage.

import { readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { Progress } from "../base/progress.js";
import { vmlinuxOf } from "./bzimage.js";
import type { Manifest } from "../cache/manifest.js";
import type { Suite } from "./releases.js";
import { provideSet, type SetOptions } from "./sets.js";
import { hostError } from "../base/host-error.js";
import { provideXz, type Unxz } from "./xz.js";

export interface LinuxKernel {
  /** Absolute: vmlinux, 64-bit ELF. */
  path: string;
  /** Absolute: the bzImage that it was unpacked from, for loaders that take nothing else. */
  bzImage: string;
  /** Absolute: the modules of drivers/xen, which are what a dom0's programs talk to Xen by; .ko, not compressed. */
  modules: string[];
  /** The exact version of the Debian package. */
  debianVersion: string | null;
}

const META_PACKAGE = "linux-image-amd64";
const KERNEL_PACKAGE = /^linux-image-[0-9].*-amd64$/;
const BINARY = "boot/vmlinux";
const BZIMAGE = "boot/bzImage";
const XEN_MODULES = "drivers/xen";

const KEPT = [
  /^boot\/vmlinuz-/,
  /^(?:usr\/)?lib\/modules\/[^/]+\/kernel\/drivers\/xen\/(?:[^/]+\/)?[^/]+\.ko(?:\.xz)?$/,
  /^usr\/share\/doc\/[^/]+\/copyright$/,
];

/**
 * The Linux kernel of a suite, downloaded and unpacked when it is not in the cache; about 70 MB to download.
 * Throws UserError (host trouble) if it is not available.
 */
export async function provideLinux(
  suite: Suite,
  ui: Progress,
  options: SetOptions = {},
): Promise<LinuxKernel> {
  const { tree, manifest } = await provideSet(
    {
      name: `linux-${suite}`,
      title: `Linux of Debian ${suite}`,
      suite,
      packages: [META_PACKAGE],
      // The package with the kernel is named after its version.
      choose: (plan) => plan.map(({ name }) => name).filter((name) => KERNEL_PACKAGE.test(name)),
      closure: false,
      keep: (path) => KEPT.some((pattern) => pattern.test(path)),
      finish: async (folder) => {
        const [name] = (await readdir(join(folder, "boot"))).filter((file) =>
          file.startsWith("vmlinuz-"),
        );
        if (name === undefined) throw hostError(`${META_PACKAGE}: it has no boot/vmlinuz`);
        const compressed = join(folder, BZIMAGE);
        await rename(join(folder, "boot", name), compressed);
        const unxz = await provideXz(ui, options);
        await writeFile(join(folder, BINARY), await vmlinuxOf(await readFile(compressed), unxz));
        await unpackModules(folder, unxz);
      },
      refuse: (found) => (modulesIn(found).length === 0 ? `${XEN_MODULES} is missing` : null),
    },
    ui,
    options,
  );
  const debianVersion =
    manifest.packages?.find(({ name }) => KERNEL_PACKAGE.test(name))?.version ?? null;
  const modules = modulesIn(manifest).map((path) => join(tree, path));
  return { path: join(tree, BINARY), bzImage: join(tree, BZIMAGE), modules, debianVersion };
}

function modulesIn(manifest: Manifest): string[] {
  return manifest.files.map(({ path }) => path).filter((path) => path.endsWith(".ko"));
}

/** busybox's insmod takes none that are compressed. */
async function unpackModules(folder: string, unxz: Unxz): Promise<void> {
  const entries = await readdir(folder, { recursive: true });
  for (const entry of entries.filter((path) => path.endsWith(".ko.xz"))) {
    const file = join(folder, entry);
    await writeFile(file.slice(0, -".xz".length), await unxz(await readFile(file)));
    await rm(file);
  }
}
