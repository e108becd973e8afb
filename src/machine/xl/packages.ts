// What a dom0 is made of: Debian's toolstack of a Xen release, the libraries it links, and busybox.

import type { Progress } from "../../progress.js";
import { suiteOf, type Suite, type XenRelease } from "../debian/releases.js";
import { provideSet, type SetOptions } from "../debian/sets.js";

export interface Dom0Packages {
  /** Absolute; where the packages' `/` is. */
  tree: string;
  suite: Suite;
  /** The exact version of each, by name. */
  versions: Record<string, string>;
}

/** Libraries that the packages depend on for programs that no dom0 of ours has. */
const UNUSED = /^lib(python|perl|glib|systemd|udev|kmod|selinux|pcre|apparmor|cap|gcrypt|gpg)/;

const KEPT = [
  /^(usr\/)?lib(64)?\/(x86_64-linux-gnu\/)?[^/]+\.so[^/]*$/,
  /^(usr\/)?lib\/x86_64-linux-gnu\/xen[^/]*\//,
  /^usr\/lib\/xen-[^/]+\/(bin|lib)\//,
  /^usr\/(bin|sbin)\//,
  /^bin\/busybox$/,
  /^etc\/xen\//,
  /^usr\/share\/doc\/[^/]+\/copyright$/,
];

/** The toolstack of a Xen release, downloaded when it is not in the cache. Throws UserError when it is not to be had. */
export async function provideDom0Packages(
  release: XenRelease,
  ui: Progress,
  options: SetOptions = {},
): Promise<Dom0Packages> {
  const suite = suiteOf(release);
  const wanted = [`xen-utils-${release}`, "xen-utils-common", "xenstore-utils", "busybox-static"];
  const { tree, manifest } = await provideSet(
    {
      name: `dom0-${release}`,
      title: `Debian's toolstack of Xen ${release}`,
      suite,
      packages: wanted,
      choose: (plan) => [
        ...wanted,
        ...plan.map(({ name }) => name).filter((name) => /^(lib|zlib1g$)/.test(name) && !UNUSED.test(name)),
      ],
      closure: false,
      keep: (path) => KEPT.some((pattern) => pattern.test(path)),
    },
    ui,
    options,
  );
  return {
    tree,
    suite,
    versions: Object.fromEntries(manifest.packages.map(({ name, version }) => [name, version])),
  };
}
