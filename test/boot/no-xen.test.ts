// An image without Xen under it: QEMU enters it by the same note, as other PVH loaders do.
// Why: somebody will try, and needs one clear sentence. How it would fail: silence; or, where the way out of a fatal error is a
// hypercall, a fault in each that is a fatal error again, and records without end.

import { execa } from "execa";
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

import { build, qemu, scratch } from "./setup.js";

test.each(["page", "direct"] as const)(
  "hypercalls by %s: it says that there is none, once, and halts",
  async (hypercall) => {
    const image = await build("examples/hello.ts", { hypercall });
    const output = scratch(`no-xen-${hypercall}`);
    const args = "-accel tcg -M pc -m 64 -display none -monitor none -no-reboot -nodefaults";
    // It halts with interrupts off, which nothing but time shows: the records without end were thousands a second.
    await execa(
      qemu.command,
      [...qemu.args, ...args.split(" "), "-kernel", image, "-debugcon", `file:${output}`],
      { env: qemu.env, timeout: 4000, reject: false },
    );
    const lines = (await readFile(output, "latin1")).trim().split("\n");
    expect(lines.map((line) => line.replace(/^~x1 - \d+ (.*) #[0-9a-f]{8}$/, "$1"))).toEqual([
      "fatal:no Xen here: CPUID has no leaf signed XenVMMXenVMM",
    ]);
  },
);
