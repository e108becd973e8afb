// A Linux that crashes as a PVH domain of our own toolstack: Debian's kernel and kexec-tools, an initramfs for
// it, and in that one for the Linux that comes after.

import { readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";

import { createProgress } from "../../src/host/base/progress.js";
import { bootGuest, type BootResult, type OnSoftReset } from "../../src/host/boot/boot.js";
import {
  provideLinux,
  providePackages,
  provideXen,
  suiteOf,
  type XenRelease,
} from "../../src/host/debian/index.js";
import { fieldsOf } from "../../src/host/protocol/record.js";
import { writeCpio, type CpioEntry } from "../../src/host/xl/cpio.js";
import { firstOf } from "../../src/host/xl/dom0-image.js";
import { librariesFor } from "../../src/host/xl/library-closure.js";
import { qemu, scratch } from "../boot/setup.js";

const LIBRARY_FOLDERS = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"];
const MEMORY_MIB = 512;
/** Both Linuxes come up within a minute; beside other work on the machine it takes many. */
const TIMEOUT_MS = 900_000;

const progress = createProgress(process.stderr, { quiet: true });

async function file(path: string, from: string): Promise<CpioEntry> {
  return { type: "file", path, data: await readFile(from), executable: true };
}

/** An initramfs with that init of test/linux/init, busybox, and a program of kexec-tools with its libraries. */
async function initramfs(
  release: XenRelease,
  init: string,
  program: string,
  more: CpioEntry[],
): Promise<Buffer> {
  const suite = suiteOf(release);
  const { root } = await providePackages(["kexec-tools"], suite, progress, { closure: true });
  const static_ = await providePackages(["busybox-static"], suite, progress);
  const binary = await firstOf(root, [`sbin/${program}`, `usr/sbin/${program}`]);
  const libraries = await librariesFor(root, [relative(root, binary)], [], LIBRARY_FOLDERS);
  return writeCpio([
    await file("init", `test/linux/init/${init}`),
    { type: "device", path: "dev/console", major: 5, minor: 1 },
    ...["proc", "sys"].map((path): CpioEntry => ({ type: "directory", path })),
    { type: "link", path: "lib64", target: "lib" },
    await file("bin/busybox", await firstOf(static_.root, ["bin/busybox", "usr/bin/busybox"])),
    await file(`bin/${program}`, binary),
    ...(await Promise.all(
      libraries.map(({ name, path }) => file(`lib/${name}`, join(root, path))),
    )),
    ...more,
  ]);
}

export interface Cell {
  /** For the first Linux: cpu=, load=none. */
  words: string;
  onSoftReset?: OnSoftReset;
  /** Ends the boot: how a Linux that spins is told. */
  until?: RegExp;
}

export interface Outcome {
  /** What the two Linuxes' inits have said, and Linux's own complaints. */
  said: string[];
  /** What dom0 saw at each of the domain's shutdowns. */
  shutdowns: { reason: number; online: number; pages: number }[];
  result: BootResult | null;
}

/** Of each boot, so that no log of another one can be taken for it. */
let marker = 0;

export async function playCell(release: XenRelease, cell: Cell): Promise<Outcome> {
  const linux = await provideLinux(suiteOf(release), progress);
  const second = await initramfs(release, "kdump-second", "vmcore-dmesg", []);
  const first = await initramfs(release, "kdump-first", "kexec", [
    await file("bzImage", linux.bzImage),
    { type: "file", path: "second", data: second },
  ]);
  const module = scratch("kdump-first.cpio");
  await writeFile(module, first);
  const said: string[] = [];
  const stop = new AbortController();
  const enough = new Error("the line that was waited for is there");
  let result: BootResult | null = null;
  const shutdowns: Outcome["shutdowns"] = [];
  try {
    result = await bootGuest({
      image: linux.path,
      on: "domu",
      xen: await provideXen(release, progress),
      qemu,
      memoryMiB: MEMORY_MIB,
      modules: [module],
      onSoftReset: cell.onSoftReset ?? "soft-reset",
      tellState: true,
      timeoutMs: TIMEOUT_MS,
      cmdline: `earlyprintk=xen,keep panic=-1 crashkernel=160M marker=${(marker += 1)} next=nr_cpus=1+reset_devices ${cell.words}`,
      signal: stop.signal,
      onConsole: (line) => {
        const text = line.replace(/^\[ *\d+\.\d+\] /, "");
        if (/^(?:first|second): |^Kernel panic|register_vcpu_info failed/.test(text))
          said.push(text);
        if (cell.until?.test(text) === true) stop.abort(enough);
      },
      onToolstackRecord: (record) => {
        const fields = record.kind === "domain" ? fieldsOf(record) : null;
        if (fields?.get("event") !== "shut-down") return;
        const number = (name: string): number => Number(fields.get(name));
        shutdowns.push({
          reason: number("reason"),
          online: number("online"),
          pages: number("pages"),
        });
      },
    });
  } catch (error) {
    if (error !== enough) throw error;
  }
  return { said, shutdowns, result };
}
