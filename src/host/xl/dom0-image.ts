// The initramfs of a dom0: Debian's toolstack, the libraries it needs, busybox, modules and xl/dom0/init; with a device
// model only where HVM domains are made, for its libraries are four times all the rest. Made once for each set of
// packages and kept in the cache, by what is in it.

import { createHash } from "node:crypto";
import { readFile, readdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";

import { packageRoot } from "../base/package-root.js";
import type { Progress } from "../base/progress.js";
import { Cache } from "../cache/cache.js";
import { KINDS } from "../cache/kinds.js";
import { provideLinux, type XenRelease } from "../debian/index.js";
import { writeCpio, type CpioEntry } from "./cpio.js";
import { librariesFor } from "./library-closure.js";
import {
  DEVICE_MODEL,
  DEVICE_MODEL_FILES,
  hvmloaderOf,
  provideDom0Packages,
  type Dom0Packages,
} from "./packages.js";

export interface Dom0Image {
  /** vmlinux. */
  kernel: string;
  initramfs: string;
  /** The initramfs's size, in MiB, rounded up. */
  sizeMiB: number;
  /** The exact version of each Debian package in it, by name. */
  versions: Record<string, string>;
}

const INITRAMFS = "initramfs.cpio";

const PROGRAMS = [
  "xl",
  "xenconsole",
  "xenconsoled",
  "xenstored",
  "oxenstored",
  "xen-init-dom0",
  "libxl-save-helper",
];
const STORE_CLIENT = "xenstore";
const STORE_CLIENT_NAMES = ["read", "write", "list", "ls", "exists", "rm", "watch", "chmod"];

const APPLETS =
  "sh cat chmod cp date dirname dmesg echo env false grep head insmod kill ln ls mkdir mkfifo mknod mount mv printf ps readlink rm sed sleep stty sync tail test timeout touch tr true umount wc".split(
    " ",
  );

/** In the order in which they can be loaded; a kernel that has one built in has no file for it. */
const MODULES = ["xen-privcmd", "xen-evtchn", "xen-gntdev", "xen-gntalloc", "xenfs"];

/** No program names it: pthread_cancel, which xl uses when a domain dies, loads it. */
const LOADED_LATE = ["libgcc_s.so.1"];

/** The dom0 of a Xen release, with all that it needs downloaded and made. Throws UserError (122) when it cannot be. */
export async function provideDom0(
  release: XenRelease,
  ui: Progress,
  options: { signal?: AbortSignal; deviceModel?: boolean } = {},
): Promise<Dom0Image> {
  const deviceModel = options.deviceModel ?? false;
  const packages = await provideDom0Packages(release, deviceModel, ui, options);
  const linux = await provideLinux(packages.suite, ui, options);
  const init = await readFile(path.join(packageRoot, "xl", "dom0", "init"));
  const key = createHash("sha256")
    .update(JSON.stringify([FORMAT, deviceModel, packages.versions, linux.debianVersion]))
    .update(init)
    .digest("hex");
  let making = false;
  const { tree, manifest } = await new Cache()
    .provide(
      KINDS.dom0,
      `${deviceModel ? "hvm-" : ""}${release}-${key.slice(0, 16)}`,
      async (at) => {
        making = true;
        ui.start(`the dom0 of Xen ${release}: assembling it`);
        const entries = await contents(release, packages, deviceModel, linux.modules, init);
        await writeFile(path.join(at.tree, INITRAMFS), writeCpio(entries));
        ui.done(`the dom0 of Xen ${release}: Linux ${linux.debianVersion ?? ""}, xl ${release}`);
        return undefined;
      },
      options,
    )
    .catch((error: unknown) => {
      if (making) ui.fail(`the dom0 of Xen ${release}: failed`);
      throw error;
    });
  return {
    kernel: linux.path,
    initramfs: path.join(tree, INITRAMFS),
    sizeMiB: Math.ceil((manifest.files[0]?.bytes ?? 0) / 2 ** 20),
    versions: { ...packages.versions, linux: linux.debianVersion ?? "" },
  };
}

/** Counts changes of what contents() makes of the same packages. */
const FORMAT = 6;

const LIBRARY_FOLDERS = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"];

/** Programs and libraries in one folder each, whatever the release's packages have them in. */
async function contents(
  release: XenRelease,
  { tree }: Dom0Packages,
  deviceModel: boolean,
  modules: string[],
  init: Buffer,
): Promise<CpioEntry[]> {
  const own = `usr/lib/xen-${release}/bin`;
  const programs = PROGRAMS.map((name) => `${own}/${name}`);
  const client = `usr/bin/${STORE_CLIENT}`;
  const plugins = await pluginsIn(tree, `usr/lib/xen-${release}/ocaml`);
  const linked = [...programs, client, ...plugins, ...(deviceModel ? [DEVICE_MODEL] : [])];
  const libraries = await librariesFor(tree, linked, LOADED_LATE, LIBRARY_FOLDERS);
  const busybox = await firstOf(tree, ["bin/busybox", "usr/bin/busybox"]);
  const file = async (to: string, from: string, executable = false): Promise<CpioEntry> => ({
    type: "file",
    path: to,
    data: await readFile(from),
    executable,
  });
  const entries: CpioEntry[] = [
    { type: "file", path: "init", data: init, executable: true },
    // The kernel opens it for /init before anything is mounted.
    { type: "device", path: "dev/console", major: 5, minor: 1 },
    ...["proc", "sys", "run/xenlet", "tmp", "var/lib", "var/log"].map((folder): CpioEntry => ({
      type: "directory",
      path: folder,
    })),
    { type: "link", path: "lib64", target: "lib" },
    await file("bin/busybox", busybox, true),
    ...APPLETS.map((name): CpioEntry => ({ type: "link", path: `bin/${name}`, target: "busybox" })),
    await file("etc/xen/oxenstored.conf", path.join(tree, "etc/xen/oxenstored.conf")),
    await file("etc/xen/xl.conf", path.join(tree, "etc/xen/xl.conf")),
    await file(`bin/${STORE_CLIENT}`, path.join(tree, client), true),
    ...STORE_CLIENT_NAMES.map((name): CpioEntry => ({
      type: "link",
      path: `bin/xenstore-${name}`,
      target: STORE_CLIENT,
    })),
  ];
  for (const program of programs) {
    entries.push(await file(program, path.join(tree, program), true));
    const name = path.basename(program);
    entries.push({ type: "link", path: `bin/${name}`, target: `../${program}` });
  }
  for (const plugin of plugins) entries.push(await file(plugin, path.join(tree, plugin), true));
  if (deviceModel) {
    entries.push(await file(DEVICE_MODEL, path.join(tree, DEVICE_MODEL), true));
    for (const name of [...DEVICE_MODEL_FILES, hvmloaderOf(release)])
      entries.push(await file(name, path.join(tree, name)));
  }
  for (const library of libraries)
    entries.push(await file(`lib/${library.name}`, path.join(tree, library.path), true));
  const present = new Map(modules.map((module) => [path.basename(module, ".ko"), module]));
  for (const [index, name] of MODULES.entries()) {
    const module = present.get(name);
    if (module !== undefined) entries.push(await file(`lib/modules/${index}-${name}.ko`, module));
  }
  return entries;
}

/** What oxenstored loads by itself, from 4.20 on: libraries by another name. */
async function pluginsIn(tree: string, folder: string): Promise<string[]> {
  const names = await readdir(path.join(tree, folder), { recursive: true }).catch(() => []);
  return names.filter((name) => name.endsWith(".cmxs")).map((name) => `${folder}/${name}`);
}

/** Which of these files a tree has: Debian merged /bin and /usr/bin in trixie. Throws if it has none. */
export async function firstOf(tree: string, candidates: string[]): Promise<string> {
  for (const candidate of candidates) {
    const file = path.join(tree, candidate);
    if ((await stat(file).catch(() => null))?.isFile() === true) return file;
  }
  throw new Error(`${candidates.join(" or ")} is missing`);
}
