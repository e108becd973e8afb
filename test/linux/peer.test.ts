// Debian's Linux as the kernel before ours and after it, under xl. Before: its own kexec, its own request for the soft
// reset, and our image entered by multiboot2; what does the kernel that comes after find? After: it is to find a
// console, a store, and a way to power off, as on a first boot.
//
// Why: nothing of Linux was written with this runtime in mind, so what is left behind is not what we happened to leave,
// and what is looked for is not what we happen to need. How it would fail: kexec refuses the image, the entry or the memory map are not what boot code takes for a
// start, a port or an area of Linux's is still there, the store or the console have lost touch, a sleep is not woken.
//
// The control is the same with the reset left out: dom0 resumes the domain as it is. Then the next kernel's first
// interrupt has no end, since its events go to the dead Linux's vcpu_info; an NMI has it say what else is left.

import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";

import { withGiven } from "../../src/image/elf/given.js";
import { provideXen } from "../../src/machine/debian/index.js";
import { provideDom0 } from "../../src/machine/xl/dom0-image.js";
import { providePreload } from "../../src/machine/xl/preload.js";
import { runDom0Steps, type Dom0Run } from "../../src/machine/xl/steps.js";
import { xlConfig } from "../../src/machine/xl/xl-config.js";
import { createProgress } from "../../src/progress.js";
import { build, qemu, scratch } from "../boot/ground.js";
import { buildLinuxDomu, buildResume, inOneFile, linuxConfig } from "./domu.js";
import { exitOf, facts, recordsOf } from "../boot/xl-stage.js";

/** XEN_DOMCTL_INTERFACE_VERSION of 4.17. */
const DOMCTL_VERSION = 0x15;

/**
 * All domains boot at the same time. The control's has shut down when xl has gone; there is nothing of the kernel that
 * comes after but a record on Xen's console, and no sign of an end that does not come.
 */
const SCRIPT = `
chmod +x /run/xenlet/resume
entered() {
    xl dmesg | grep -q "~x1 $1 0 boot:stage=runtime"
}
preloaded() {
    sh /run/xenlet/xl create "/run/xenlet/$1.cfg"
}
create kept && preloaded reset && preloaded onward && create hvm && story kept || exit
/run/xenlet/resume "$(xl domid kept)" ${DOMCTL_VERSION}
echo "resume: $?"
until_ok entered kept && sleep 2
xl trigger kept nmi
story reset
console reset
echo "xl saw onward:"
story onward
console onward
echo "xl saw hvm:"
story hvm
console hvm
xl destroy kept`;

const ONWARD = {
  name: "onward",
  image: "/run/xenlet/to-linux",
  ramdisk: "/run/xenlet/linux",
  memoryMiB: 384,
  vcpus: 1,
  actions: { soft_reset: "soft-reset" },
} as const;

/** The image brings its command line and its module. Stock xl resets it. */
const HVM = { name: "hvm", type: "hvm", image: "/run/xenlet/hvm" } as const;

describe("Linux and our kernel in one domain", () => {
  let run: Dom0Run;
  let output: string;

  beforeAll(async () => {
    const progress = createProgress(process.stderr, { quiet: true });
    const image = await build("test/guests/peer.ts", {
      strip: true,
      native: ["test/guests/peer.c"],
    });
    const linux = await buildLinuxDomu(image, scratch("initramfs"));
    const both = scratch("linux");
    const size = await inOneFile(linux, both);
    const next = "earlyprintk=xen,keep+console=hvc0+quiet";
    const cmdline = `nonce=onward on=domu initramfs=${size} next=${next}`;
    const toLinux = await build("test/guests/to-linux.ts");
    const hvm = withGiven(await readFile(toLinux), {
      cmdline: `nonce=there on=domu initramfs=${size} next=${next}+next=nonce=back%on=domu`,
      module: await readFile(both),
    });
    run = await runDom0Steps({
      xen: await provideXen("4.17", progress),
      qemu,
      dom0: await provideDom0("4.17", progress, { deviceModel: true }),
      store: "oxenstored",
      steps: [{ name: "both", script: SCRIPT }],
      configs: {
        // vmlinux, since dom0 takes long to unpack a bzImage; what comes behind it in that file is not looked at.
        reset: linuxConfig("pvh", "reset", "nonce=reset on=domu", "soft-reset", {
          kernel: "linux",
        }),
        kept: linuxConfig("pvh", "kept", "nonce=kept on=domu", "preserve", { kernel: "linux" }),
        onward: xlConfig({ ...ONWARD, cmdline }),
        hvm: xlConfig({ ...ONWARD, ...HVM, cmdline: "" }),
      },
      files: {
        initramfs: linux.initramfs,
        "to-linux": toLinux,
        linux: both,
        hvm,
        resume: await buildResume(scratch("resume")),
        "soft_reset.so": await providePreload("4.17", progress),
        xl: "preload/xl",
      },
      filesMiB: 142,
      domainsMiB: 1360,
      // With more, QEMU's emulation of AMD's virtualisation was seen to mix up a domain's registers with Xen's.
      cpus: 1,
      stepMs: 900_000,
    });
    output = run.steps[0]?.output.join("\n") ?? "";
  }, 1_800_000);

  const said = () => [...(run.steps[0]?.said.values() ?? [])].flat();

  test("all of it was done", () => {
    expect({ trouble: run.trouble, log: run.log }).toMatchObject({ trouble: null });
  });

  const lines = () => said().map((line) => line.replace(/^\[ *\d+\.\d+\] /, ""));

  test("Linux jumps: it was Linux, and it had a store", () => {
    expect(lines().filter((line) => line === "peer: xen PVH xen")).toHaveLength(4);
    expect(lines().filter((line) => line === "peer: jumps")).toHaveLength(3);
    expect(lines().filter((line) => /^peer: (kexec|store)/.test(line))).toEqual([]);
  });

  test("with the reset: everything is as in a new domain", () => {
    const records = recordsOf(said(), "reset");
    const pages = Number(/^pages: (\d+)$/m.exec(facts(records).join("\n"))?.[1]);
    expect(facts(records)).toEqual([
      "entered: modules=0 cmdline=/image nonce=reset on=domu",
      // The store's and the console's.
      "ports: 1:2,2:2",
      "pirqs: 0",
      "once: VIRQ_TIMER=3 VIRQ_DEBUG=4 ipi=5",
      "vcpu_info: 0",
      // The frame that was Linux's shared_info is RAM again.
      "holes: 0",
      "grants: 0",
      `pages: ${pages}`,
      "store: linux=here write=0 read=written",
      "slept: poll",
      "slept: timeout",
    ]);
    expect(pages).toBeGreaterThan(256 * 256);
    expect(exitOf(records)).toBe("0");
    expect(output).toContain("console after Linux");
    const [seen] = output.split(/xl saw .*:/);
    expect(seen).toContain("Domain 2 has shut down, reason code 5 0x5");
    expect(seen).toContain("Domain 2 has shut down, reason code 0 0x0");
  });

  test("without it: the next kernel hangs in Linux's events, and what a domain gives once is gone", () => {
    expect(output).toContain("Action for shutdown reason code 5 is preserve");
    expect(output).toContain("resume: 0");
    const records = recordsOf(said(), "kept");
    expect(records.filter(({ kind }) => kind === "boot").map(({ payload }) => payload)).toEqual([
      "stage=runtime",
    ]);
    const [caught, ports, pirqs, once, vcpuInfo] = facts(records);
    expect(caught).toBe("caught: nmi");
    // Those of the store and the console, then Linux's: a VIRQ (4), and its IPIs (5).
    expect(ports).toMatch(/^ports: 1:2,2:2,3:4(,\d+:5)+$/);
    expect(pirqs).toBe("pirqs: 0");
    expect(once).toMatch(/^once: VIRQ_TIMER=-17 VIRQ_DEBUG=([7-9]|\d\d) /);
    expect(vcpuInfo).toBe("vcpu_info: -22");
    expect(records.at(-1)).toMatchObject({ kind: "trap" });
    expect(exitOf(records)).toBe(null);
  });

  test("our kernel jumps into Linux: console, store, and a poweroff that xl sees", () => {
    const records = recordsOf(said(), "onward");
    expect(facts(records)).toEqual(["store: write=0"]);
    expect(records.filter(({ kind }) => kind === "trap" || kind === "fatal")).toEqual([]);
    // Of the four, this one has found what our kernel wrote.
    expect(lines().filter((line) => line.startsWith("peer: found"))).toContain(
      "peer: found before",
    );
    const seen = output.split(/xl saw .*:/)[1];
    expect(seen).toContain("console before Linux");
    expect(seen).toContain("console of Linux");
    expect(seen).toContain("Domain 3 has shut down, reason code 5 0x5");
    expect(seen).toContain("Domain 3 has shut down, reason code 0 0x0");
    expect(seen).toContain("Action for shutdown reason code 0 is destroy");
  });

  test("there and back in a domain of type hvm, reset by stock xl each time", () => {
    expect(facts(recordsOf(said(), "there"))).toEqual(["store: write=0"]);
    const records = recordsOf(said(), "back");
    expect(facts(records)).toEqual([
      "entered: modules=0 cmdline=/image nonce=back on=domu",
      // The device model has 3 and 4.
      "ports: 1:2,2:2",
      "pirqs: 0",
      "once: VIRQ_TIMER=5 VIRQ_DEBUG=6 ipi=7",
      "vcpu_info: 0",
      "holes: 0",
      expect.stringMatching(/^grants: [01]$/),
      expect.stringMatching(/^pages: \d+$/),
      // xl makes the domain's nodes anew.
      "store: linux= write=0 read=written",
      "slept: poll",
      "slept: timeout",
    ]);
    expect(exitOf(records)).toBe("0");
    const seen = output.split(/xl saw .*:/)[2] ?? "";
    expect(seen.match(/has shut down, reason code 5 0x5/g)).toHaveLength(2);
    expect(seen).toContain("has shut down, reason code 0 0x0");
    expect(seen).toContain("console after Linux");
  });
});
