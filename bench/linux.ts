// How long a jump takes, with Linux on one side of it or both, under stock xl: from the last word of the kernel before to
// the first one of the kernel after, by this machine's clock. `node scripts/run-ts.js bench/linux.ts [pvh|hvm]`: PVH by
// default, with the preloaded library; hvm boots Linux as a PC does, by SeaBIOS, has ours in hvmloader's place, and takes
// minutes.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { withRunBlock } from "../src/host/elf/run-block.js";
import { provideDom0 } from "../src/host/xl/dom0-image.js";
import { providePreload } from "../src/host/xl/preload.js";
import { runDom0Steps } from "../src/host/boot/xl-steps.js";
import { xlConfig } from "../src/host/xl/xl-config.js";
import { buildLinuxDomu, inOneFile, linuxConfig } from "../test/linux/domu.js";
import { build, folder, progress, qemu, tidyUp, xen } from "./setup.js";

const type = process.argv[2] === "hvm" ? "hvm" : "pvh";
const LINUX = "earlyprintk=xen,keep console=hvc0 quiet";

interface Jump {
  what: string;
  /** Last line of the kernel before, and first one of the kernel after. */
  from: RegExp;
  to: RegExp;
  config: string;
}

const image = await build("test/boot/guest/peer.ts", "peer", {
  strip: true,
  native: ["test/boot/guest/peer.c"],
});
const linux = await buildLinuxDomu("4.17", image, join(folder, "initramfs"));
const itself = await buildLinuxDomu("4.17", image, join(folder, "itself"), true);
const both = join(folder, "linux");
const size = await inOneFile(linux, both);
const toLinux = await build("test/boot/guest/to-linux.ts", "to-linux");

const jumps: Record<string, Jump> = {
  "to-xenlet": {
    what: "Linux to xenlet",
    from: /peer: jumps/,
    to: /boot:stage=runtime/,
    config: linuxConfig(type, "to-xenlet", "nonce=a on=domu", "soft-reset"),
  },
};
const onward = {
  name: "from-xenlet",
  memoryMiB: 384,
  vcpus: 1,
  actions: { soft_reset: "soft-reset" },
} as const;
const next = `nonce=b on=domu initramfs=${size} next=${LINUX.replaceAll(" ", "+")}`;
jumps["from-xenlet"] = {
  what: "xenlet to Linux",
  from: /fact:store/,
  to: /Linux version/,
  config: xlConfig(
    type === "hvm"
      ? { ...onward, type, image: "/run/xenlet/to-linux", cmdline: "" }
      : { ...onward, image: "/run/xenlet/to-linux", ramdisk: "/run/xenlet/linux", cmdline: next },
  ),
};
// The last one: kexec's loader enters a PVH domain's Linux without an RSDP, so that it comes to its first line and not far
// beyond.
jumps["to-itself"] = {
  what: "Linux to Linux",
  from: /peer: jumps/,
  to: /Linux version/,
  config: linuxConfig(type, "to-itself", `linux ${LINUX}`, "soft-reset", { initramfs: "itself" }),
};
// A domain of type hvm takes neither a command line nor a module.
if (type === "hvm")
  await writeFile(
    toLinux,
    withRunBlock(await readFile(toLinux), { cmdline: next, module: await readFile(both) }),
  );
const names = Object.keys(jumps);
const times = names.map((): { from?: number; to?: number } => ({}));
let step = -1;
const done = new AbortController();

progress.start(`Linux as a peer, ${type}`);
const run = await runDom0Steps({
  xen,
  qemu,
  dom0: await provideDom0("4.17", progress, { deviceModel: type === "hvm" }),
  store: "oxenstored",
  steps: names.map((name) => ({
    name,
    script: `${type === "hvm" ? "xl" : "sh /run/xenlet/xl"} create /run/xenlet/${name}.cfg && story ${name}`,
  })),
  configs: Object.fromEntries(names.map((name) => [name, jumps[name]?.config ?? ""])),
  files: {
    bzImage: linux.bzImage,
    initramfs: linux.initramfs,
    itself: itself.initramfs,
    "soft_reset.so": await providePreload("4.17", progress),
    xl: "xl/preload/xl",
    "to-linux": toLinux,
    linux: both,
  },
  domainsMiB: 400,
  pcpus: 1,
  stepMs: 900_000,
  signal: done.signal,
  onStep: (index) => {
    step = index;
  },
  onLine: (line) => {
    const [time, jump] = [times[step], jumps[names[step] ?? ""]];
    if (time === undefined || jump === undefined) return;
    if (jump.from.test(line)) time.from ??= performance.now();
    // The first kernel has a first line too.
    else if (time.from !== undefined && time.to === undefined && jump.to.test(line)) {
      time.to = performance.now();
      console.log(`${jump.what}: ${((time.to - time.from) / 1000).toFixed(1)} s`);
    }
    if (step === names.length - 1 && time.to !== undefined) done.abort();
  },
});
await tidyUp();
progress.done(`Xen ${xen.debianVersion ?? xen.release}, type ${type}`);
if (!done.signal.aborted) console.error(`${run.error ?? ""}; ${run.log ?? ""}`);
for (const [index, name] of names.entries())
  if (times[index]?.to === undefined) console.error(`${jumps[name]?.what ?? ""}: not seen`);
