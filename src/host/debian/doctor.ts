// What xenlet needs of the machine: what is present, and how to fix what is not.

import { access, constants } from "node:fs/promises";

import { debianKeyring, findMirrors } from "./apt.js";
import { freeBytes, isWritable, megabytes } from "../base/disk.js";
import { Cache } from "../cache/cache.js";
import { KINDS } from "../cache/kinds.js";
import type { Check } from "./check.js";
import { systemCheck, thisMachine } from "./platform.js";
import { findQemu } from "./qemu.js";
import { XEN_RELEASES } from "./releases.js";

/** QEMU with its libraries and one Xen, the lists they are found in, and room to unpack. */
const SPACE_WANTED = 700e6;

async function tool(
  name: string,
  packageName: string,
  detail: string,
  needed: Check["needed"] = "required",
): Promise<Check> {
  const { execa } = await import("execa");
  const result = await execa(name, ["--version"], { reject: false, stdin: "ignore" });
  const present = !result.failed;
  const version = /\d+(?:\.\d+)+/.exec(
    // "GNU ld (GNU Binutils for Debian) 2.40", "gcc (Debian 12.2.0-14) 12.2.0": the last on the line.
    (result.stdout.split("\n")[0] ?? "").split(/\s+(?=\d)/).at(-1) ?? "",
  );
  return {
    name,
    present,
    version: present ? (version?.[0] ?? null) : null,
    needed,
    fix: present ? null : `sudo apt-get install ${packageName}`,
    detail,
  };
}

function nodeCheck(): Check {
  const present = Number.parseInt(process.versions.node) >= 20;
  return {
    name: "node",
    present,
    version: process.versions.node,
    needed: "required",
    fix: present ? null : "sudo apt-get install npm && sudo npx --yes n 22",
    detail: "20 or newer runs xenlet",
  };
}

async function keyringCheck(): Promise<Check> {
  const keyring = debianKeyring();
  const { execa } = await import("execa");
  const result = await execa(
    "dpkg-query",
    ["--show", "--showformat", "${Version}", "debian-archive-keyring"],
    { reject: false, stdin: "ignore" },
  );
  return {
    name: "debian-archive-keyring",
    present: keyring !== undefined,
    version: result.failed ? null : result.stdout,
    needed: "required",
    fix: keyring === undefined ? "sudo apt-get install debian-archive-keyring" : null,
    detail: "needed to verify packages' signatures",
  };
}

async function mirrorCheck(): Promise<Check> {
  const check = { name: "Debian archive", version: null, needed: "required" as const };
  try {
    const [mirrors] = await findMirrors();
    const security = mirrors?.security === null ? "no security archive" : mirrors?.security;
    return {
      ...check,
      present: true,
      fix: null,
      detail: `${mirrors?.archive ?? ""}, ${security ?? ""}`,
    };
  } catch (error) {
    return {
      ...check,
      present: false,
      fix: "XENLET_MIRROR=http://your.mirror/debian xenlet …",
      detail: (error as Error).message,
    };
  }
}

async function qemuCheck(cache: Cache): Promise<Check> {
  const found = await findQemu({ cache });
  return {
    name: "qemu",
    present: found !== null,
    version: found?.version ?? null,
    // xenlet downloads it itself: its absence is not a defect of the machine.
    needed: "optional",
    fix: found ? null : "xenlet run … (or: sudo apt-get install qemu-system-x86)",
    detail: found
      ? found.origin === "host"
        ? "the host's own"
        : "Debian's, run from the cache"
      : "neither on the host nor in the cache: downloaded when first needed",
  };
}

function xenChecks(cache: Cache): Promise<Check[]> {
  return Promise.all(
    XEN_RELEASES.map(async (release): Promise<Check> => {
      const found = await cache.find(KINDS.packages, `xen-${release}`);
      const manifest = "manifest" in found ? found.manifest : null;
      return {
        name: `Xen ${release}`,
        present: manifest !== null,
        version: manifest?.packages?.[0]?.version ?? null,
        needed: "optional",
        fix: manifest ? null : `xenlet run --xen ${release} …`,
        detail: manifest
          ? `Debian ${manifest.suite ?? ""}, in the cache`
          : "not in the cache: downloaded when first needed",
      };
    }),
  );
}

function cacheChecks({ root }: Cache): Check[] {
  const writable = isWritable(root);
  const free = freeBytes(root);
  const enough = free >= SPACE_WANTED;
  return [
    {
      name: "cache",
      present: writable,
      version: null,
      needed: "required",
      fix: writable ? null : "XENLET_CACHE=/a/folder/of/yours xenlet …",
      detail: `${root} ${writable ? "is" : "is not"} writable`,
    },
    {
      name: "disk space",
      present: enough,
      version: null,
      needed: "required",
      fix: enough
        ? null
        : "xenlet cache prune (or XENLET_CACHE=/a/folder/on/another/disk xenlet …)",
      detail: `${megabytes(free)} free for the cache, ${megabytes(SPACE_WANTED)} wanted at first`,
    },
  ];
}

async function kvmCheck(): Promise<Check> {
  const present = await access("/dev/kvm", constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
  return {
    name: "/dev/kvm",
    present,
    version: null,
    needed: "optional",
    fix: null,
    detail: "not needed: the platform is AMD SVM with nested paging, emulated by QEMU's TCG",
  };
}

/** Looks at everything xenlet needs. Downloads nothing, changes nothing, needs no network. */
export async function diagnose(options: { cache?: Cache } = {}): Promise<Check[]> {
  const { cache = new Cache() } = options;
  const groups = await Promise.all([
    Promise.resolve([nodeCheck(), systemCheck(await thisMachine())]),
    tool("gcc", "gcc", "compiles guests"),
    tool("ld", "binutils", "links images"),
    tool("addr2line", "binutils", "names the function in which a trap happened"),
    tool("strip", "binutils", "makes images small (--strip)", "optional"),
    tool("make", "make", "runs the repository's own targets", "optional"),
    tool("apt-get", "apt", "downloads Debian packages"),
    tool("dpkg-deb", "dpkg", "unpacks Debian packages"),
    keyringCheck(),
    mirrorCheck(),
    qemuCheck(cache),
    xenChecks(cache),
    Promise.resolve(cacheChecks(cache)),
    tool("gdb", "gdb", "debugs guests (xenlet run --gdb)", "optional"),
    kvmCheck(),
  ]);
  return groups.flat();
}
