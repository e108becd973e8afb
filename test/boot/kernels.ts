// The kernels that a guest of xenlet's jumps into, beside its own kind: a tiny 32-bit one, and Debian's Linux with an
// initramfs of one program.

import { execa } from "execa";
import { readFile, writeFile } from "node:fs/promises";

import { provideLinux } from "../../src/host/debian/index.js";
import { writeCpio } from "../../src/host/xl/cpio.js";
import { createProgress } from "../../src/host/base/progress.js";
import { FREESTANDING } from "./freestanding.js";
import { scratch } from "./setup.js";

/** A C file as an ELF32 with a PVH note. */
export async function buildKernel32(source = "kernel32.c"): Promise<string> {
  const output = scratch(`${source}.elf`);
  const script =
    "-Wl,-m,elf_i386,-T,test/boot/guest/kernel32.lds,-n,--build-id=none,--no-warn-rwx-segments";
  await execa("gcc", [
    "-m32",
    "-march=i686",
    ...FREESTANDING,
    script,
    "-o",
    output,
    `test/boot/guest/${source}`,
  ]);
  return output;
}

export interface Linux {
  vmlinux: string;
  initramfs: string;
}

/** Debian's kernel, and an initramfs whose init is test/linux/init/init.c. */
export async function buildLinux(): Promise<Linux> {
  const progress = createProgress(process.stderr, { quiet: true });
  const { path: vmlinux } = await provideLinux("bookworm", progress);
  const init = scratch("init");
  await execa("gcc", [...FREESTANDING, "-o", init, "test/linux/init/init.c"]);
  const archive = scratch("initramfs");
  await writeFile(
    archive,
    writeCpio([
      { type: "device", path: "dev/console", major: 5, minor: 1 },
      { type: "device", path: "dev/kmsg", major: 1, minor: 11 },
      { type: "directory", path: "sys" },
      { type: "file", path: "init", data: await readFile(init), executable: true },
    ]),
  );
  return { vmlinux, initramfs: archive };
}
