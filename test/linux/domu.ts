// A Linux domU as Debian makes one, to be a peer of our kernels: Debian's kernel, and an initramfs with Debian's
// kexec-tools and what they need, put together without root.

import { execa } from "execa";
import { readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

import {
  provideLinux,
  providePackages,
  suiteOf,
  type XenRelease,
} from "../../src/host/debian/index.js";
import { writeCpio, type CpioEntry } from "../../src/host/xl/cpio.js";
import { firstOf } from "../../src/host/xl/dom0-image.js";
import { librariesFor } from "../../src/host/xl/library-closure.js";
import { provideDom0Packages } from "../../src/host/xl/packages.js";
import { quote } from "../../src/host/xl/xl-config.js";
import { createProgress } from "../../src/host/base/progress.js";
import { FREESTANDING } from "../boot/freestanding.js";

const XENSTORE = "usr/bin/xenstore";
const LIBRARY_FOLDERS = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"];
const APPLETS = ["cat", "echo", "mount", "poweroff", "sed", "sh", "sleep"];

export interface LinuxDomu {
  bzImage: string;
  vmlinux: string;
  /** Compressed: QEMU's boot ROM, which brings it to a domain of type hvm, takes 2 s for a MB and more. */
  initramfs: string;
}

/**
 * The kernel of the Debian that has the Xen `release`, with an initramfs whose init is test/linux/init/peer-init, and
 * `image` as what it kexecs into; written to `initramfs`. `itself`: it can jump into its own like as well.
 */
export async function buildLinuxDomu(
  release: XenRelease,
  image: string,
  initramfs: string,
  itself = false,
): Promise<LinuxDomu> {
  const progress = createProgress(process.stderr, { quiet: true });
  const suite = suiteOf(release);
  const { bzImage, path: vmlinux } = await provideLinux(suite, progress);
  // Its libxenctrl is the toolstack's.
  const { tree } = await provideDom0Packages(release, true, progress);
  const { root } = await providePackages(["kexec-tools"], suite, progress);
  const kexec = await firstOf(root, ["sbin/kexec", "usr/sbin/kexec"]);
  const busybox = await firstOf(tree, ["bin/busybox", "usr/bin/busybox"]);
  const file = async (path: string, from: string): Promise<CpioEntry> => ({
    type: "file",
    path,
    data: await readFile(from),
    executable: true,
  });
  const libraries = await librariesFor(
    tree,
    [relative(tree, kexec), XENSTORE],
    [],
    LIBRARY_FOLDERS,
  );
  const archive = writeCpio([
    await file("init", "test/linux/init/peer-init"),
    { type: "device", path: "dev/console", major: 5, minor: 1 },
    ...["proc", "sys"].map((path): CpioEntry => ({ type: "directory", path })),
    { type: "link", path: "lib64", target: "lib" },
    await file("bin/busybox", busybox),
    ...APPLETS.map((name): CpioEntry => ({ type: "link", path: `bin/${name}`, target: "busybox" })),
    await file("bin/kexec", kexec),
    await file(`bin/xenstore`, join(tree, XENSTORE)),
    ...["read", "write"].map((name): CpioEntry => ({
      type: "link",
      path: `bin/xenstore-${name}`,
      target: "xenstore",
    })),
    ...(await Promise.all(
      libraries.map(({ name, path }) => file(`lib/${name}`, join(tree, path))),
    )),
    await file("image", image),
    ...(itself ? [await file("bzImage", bzImage)] : []),
  ]);
  await writeFile(initramfs, await promisify(gzip)(archive, { level: 9 }));
  return { bzImage, vmlinux, initramfs };
}

/** Writes vmlinux and the initramfs as one file, since xl loads one for a domain; returns the size of the second. */
export async function inOneFile(
  { vmlinux, initramfs }: LinuxDomu,
  output: string,
): Promise<number> {
  const last = await readFile(initramfs);
  await writeFile(output, Buffer.concat([await readFile(vmlinux), last]));
  return last.length;
}

/** test/linux/init/resume.c, for a release: what leaves the soft reset out. */
export async function buildResume(release: XenRelease, output: string): Promise<string> {
  const progress = createProgress(process.stderr, { quiet: true });
  const { root } = await providePackages(["libxen-dev"], suiteOf(release), progress);
  const headers = ["-isystem", join(root, "usr/include")];
  await execa("gcc", [...FREESTANDING, ...headers, "-o", output, "test/linux/init/resume.c"]);
  return output;
}

/** The xl.cfg of such a domain, whose files are in /run/xenlet; `next` is what it jumps with. */
export function linuxConfig(
  type: "pvh" | "hvm",
  name: string,
  next: string,
  onSoftReset: string,
  { kernel = "bzImage", initramfs = "initramfs" } = {},
): string {
  const settings = {
    name,
    type,
    kernel: `/run/xenlet/${kernel}`,
    ramdisk: `/run/xenlet/${initramfs}`,
    cmdline: `earlyprintk=xen,keep console=hvc0 quiet next=${next.replaceAll(" ", "+")}`,
    ...(type === "hvm" ? { vga: "none" } : {}),
    on_poweroff: "destroy",
    on_crash: "destroy",
    on_soft_reset: onSoftReset,
  };
  return (
    Object.entries(settings)
      .map(([key, value]) => `${key} = ${quote(value)}\n`)
      .join("") +
    "memory = 256\nvcpus = 1\n" +
    // Interrupts of the device model's as pirqs: only where that is asked for, from 4.19 on; an older xl does not look.
    (type === "hvm" ? "nographic = 1\nvnc = 0\nsdl = 0\nhvm_pirq = 1\n" : "")
  );
}
