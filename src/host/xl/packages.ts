// What a dom0 is made of: Debian's toolstack of a Xen release, the libraries it links, busybox, and for HVM domains
// the device model.

import type { Progress } from "../base/progress.js";
import { suiteOf, type Suite, type XenRelease } from "../debian/releases.js";
import { provideSet, type SetOptions } from "../debian/sets.js";

export interface Dom0Packages {
  /** Absolute; where the packages' `/` is. */
  tree: string;
  suite: Suite;
  /** The exact version of each, by name. */
  versions: Record<string, string>;
}

/** Libraries that the packages depend on for programs that xenlet's dom0 does not have. */
const UNUSED = /^lib(python|perl|glib|systemd|udev|kmod|selinux|pcre|apparmor|cap|gcrypt|gpg)/;

/** QEMU as xl starts it, in every release's package. */
export const DEVICE_MODEL = "usr/libexec/xen-qemu-system-i386";
/**
 * What it reads at its start, screen or not; what libxl loads for hvmloader, whatever is in its place; and for a domain
 * that a PC boots, the program that loads `kernel=`: the second one by DMA, which trixie's QEMU takes.
 */
export const DEVICE_MODEL_FILES = [
  "usr/share/qemu/keymaps/en-us",
  "usr/share/qemu/linuxboot.bin",
  "usr/share/qemu/linuxboot_dma.bin",
  "usr/share/seabios/bios-256k.bin",
];
/** Where libxl looks for it. */
export const hvmloaderOf = (release: XenRelease): string => `usr/lib/xen-${release}/boot/hvmloader`;

const KEPT = [
  /^(usr\/)?lib(64)?\/(x86_64-linux-gnu\/)?[^/]+\.so[^/]*$/,
  /^(usr\/)?lib\/x86_64-linux-gnu\/xen[^/]*\//,
  /^usr\/lib\/xen-[^/]+\/(bin|lib|ocaml)\//,
  /^usr\/lib\/xen-[^/]+\/boot\/hvmloader$/,
  /^usr\/(bin|sbin)\//,
  /^bin\/busybox$/,
  /^usr\/libexec\/xen-qemu-system-i386$/,
  /^usr\/share\/(qemu\/keymaps\/en-us|qemu\/linuxboot(_dma)?\.bin|seabios\/bios-256k\.bin)$/,
  /^etc\/xen\//,
  /^usr\/share\/doc\/[^/]+\/copyright$/,
];

/**
 * The toolstack of a Xen release, with a device model or without, downloaded when it is not in the cache. Throws
 * UserError if it is not available.
 */
export async function provideDom0Packages(
  release: XenRelease,
  deviceModel: boolean,
  ui: Progress,
  options: SetOptions = {},
): Promise<Dom0Packages> {
  const suite = suiteOf(release);
  const wanted = [`xen-utils-${release}`, "xen-utils-common", "xenstore-utils", "busybox-static"];
  if (deviceModel) wanted.push("qemu-system-xen", "qemu-system-data", "seabios");
  const { tree, manifest } = await provideSet(
    {
      name: `xl-${deviceModel ? "hvm-" : ""}${release}`,
      title: `Debian's toolstack of Xen ${release}${deviceModel ? ", with its device model" : ""}`,
      suite,
      packages: wanted,
      choose: (plan) => [
        ...wanted,
        ...plan
          .map(({ name }) => name)
          .filter((name) => /^(lib|zlib1g$)/.test(name) && (deviceModel || !UNUSED.test(name))),
      ],
      closure: false,
      keep: (path) => KEPT.some((pattern) => pattern.test(path)),
      refuse: ({ files }) => {
        const needed = deviceModel ? [...DEVICE_MODEL_FILES, hvmloaderOf(release)] : [];
        const missing = needed.find((name) => !files.some(({ path }) => path === name));
        return missing === undefined ? null : `${missing} is missing`;
      },
    },
    ui,
    options,
  );
  return {
    tree,
    suite,
    versions: Object.fromEntries(
      (manifest.packages ?? []).map(({ name, version }) => [name, version]),
    ),
  };
}
