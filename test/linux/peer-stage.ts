// A dom0 in which Debian's Linux and xenlet's kernels share domains: what each domain is, what xl and dom0 do with it, and
// what it has said.

import { readFile } from "node:fs/promises";

import { withRunBlock } from "../../src/host/elf/run-block.js";
import { provideXen, type XenRelease } from "../../src/host/debian/index.js";
import type { GuestRecord } from "../../src/host/protocol/record.js";
import type { StoreDaemon } from "../../src/host/xl/boot-files.js";
import { provideDom0 } from "../../src/host/xl/dom0-image.js";
import { providePreload } from "../../src/host/xl/preload.js";
import { runDom0Steps } from "../../src/host/boot/xl-steps.js";
import { xlConfig } from "../../src/host/xl/xl-config.js";
import { createProgress } from "../../src/host/base/progress.js";
import { build, qemu, scratch } from "../boot/setup.js";
import { recordsOf } from "../boot/xl-stage.js";
import { buildLinuxDomu, buildResume, inOneFile, linuxConfig } from "./domu.js";

const FUNCTIONS = `
preloaded() {
    sh /run/xenlet/xl create "/run/xenlet/$1.cfg"
}
stopped() {
    xl list "$1" | grep -q -- "---s"
}
resumed() {
    story "$1"
    chmod +x /run/xenlet/resume
    /run/xenlet/resume "$(xl domid "$1")"
    echo "resume: $?"
}
# Nothing watches over a domain that was preserved.
destroyed() {
    until_ok stopped "$1"
    status=$?
    xl destroy "$1"
    return $status
}
`;

/**
 * A domain each, one after the other: libxl gives a device model a minute to start, which on one CPU it may not do beside
 * other domains.
 */
const STEPS = {
  pc: "create pc && story pc; console pc",
  hvm: "create hvm && story hvm; console hvm",
  reset: "preloaded reset && story reset; console reset",
  kept: "create kept && resumed kept && destroyed kept",
  onward: "preloaded onward && story onward; console onward",
  pckept: "create pckept && resumed pckept && destroyed pckept",
} as const;

export type DomainName = keyof typeof STEPS;
const NAMES = Object.keys(STEPS) as DomainName[];

const ONWARD = {
  image: "/run/xenlet/to-linux",
  ramdisk: "/run/xenlet/linux",
  memoryMiB: 384,
  vcpus: 1,
  actions: { soft_reset: "soft-reset" },
} as const;

/** The next Linux's command line, + for a space. */
const NEXT = "earlyprintk=xen,keep+console=hvc0+quiet";

/** Where QEMU's boot ROM brings a PC its kernel is the slow one: half a minute, and many on a busy machine. */
const STEP_MS = 900_000;

export interface Peers {
  error: string | null;
  log: string | null;
  /** Of each domain's step; null if it has not ended. */
  statuses: Record<string, number | null>;
  /** What its step has printed: what xl saw of the domain, and the domain's console. */
  printed(domain: DomainName): string;
  /** What a domain has said on its debug port, without Linux's times. */
  lines(domain: DomainName): string[];
  /** The records of one of our kernels in it. */
  records(domain: DomainName, nonce?: string): GuestRecord[];
}

export async function playPeers(release: XenRelease, store: StoreDaemon): Promise<Peers> {
  const progress = createProgress(process.stderr, { quiet: true });
  const image = await build("test/boot/guest/peer.ts", {
    strip: true,
    native: ["test/boot/guest/peer.c"],
  });
  const linux = await buildLinuxDomu(release, image, scratch(`initramfs-${release}`));
  const both = scratch(`linux-${release}`);
  const size = await inOneFile(linux, both);
  const toLinux = await build("test/boot/guest/to-linux.ts");
  // It brings its command line and its module, and stock xl resets it.
  const hvm = withRunBlock(await readFile(toLinux), {
    cmdline: `nonce=there on=domu initramfs=${size} next=${NEXT}+next=nonce=back%on=domu`,
    module: await readFile(both),
  });
  // Not a bzImage, which dom0 takes long to unpack; what comes behind vmlinux in that file is not looked at.
  const pvh = { kernel: "linux" };
  const configs: Record<DomainName, string> = {
    kept: linuxConfig("pvh", "kept", "nonce=kept on=domu interrupts=off", "preserve", pvh),
    reset: linuxConfig("pvh", "reset", "nonce=reset on=domu", "soft-reset", pvh),
    onward: xlConfig({
      ...ONWARD,
      name: "onward",
      cmdline: `nonce=onward on=domu initramfs=${size} next=${NEXT}`,
    }),
    hvm: xlConfig({ ...ONWARD, name: "hvm", type: "hvm", image: "/run/xenlet/hvm", cmdline: "" }),
    pc: linuxConfig("hvm", "pc", "nonce=pc on=domu", "soft-reset"),
    pckept: linuxConfig("hvm", "pckept", "nonce=pckept on=domu interrupts=off", "preserve"),
  };
  const run = await runDom0Steps({
    xen: await provideXen(release, progress),
    qemu,
    dom0: await provideDom0(release, progress, { deviceModel: true }),
    store,
    steps: NAMES.map((name) => ({ name, script: FUNCTIONS + STEPS[name] })),
    configs,
    files: {
      bzImage: linux.bzImage,
      initramfs: linux.initramfs,
      "to-linux": toLinux,
      linux: both,
      hvm,
      resume: await buildResume(release, scratch(`resume-${release}`)),
      "soft_reset.so": await providePreload(release, progress),
      xl: "xl/preload/xl",
    },
    domainsMiB: 400,
    // With more, QEMU's emulation of AMD's virtualisation was seen to mix up a domain's registers with Xen's.
    pcpus: 1,
    stepMs: STEP_MS,
  });
  const step = (domain: DomainName) => run.steps[NAMES.indexOf(domain)];
  const lines = (domain: DomainName): string[] => [...(step(domain)?.said.values() ?? [])].flat();
  return {
    error: run.error,
    log: run.log,
    statuses: Object.fromEntries(NAMES.map((name) => [name, step(name)?.status ?? null])),
    printed: (domain) => step(domain)?.output.join("\n") ?? "",
    lines: (domain) => lines(domain).map((line) => line.replace(/^\[ *\d+\.\d+\] /, "")),
    records: (domain, nonce = domain) => recordsOf(lines(domain), nonce),
  };
}
