// Eight kernels in AssemblyScript against their twins in C, in one image: instructions, by QEMU's -icount.

import { execa } from "execa";
import { join } from "node:path";

import { packageRoot } from "../src/host/base/package-root.js";
import type { DeadLoads } from "../src/host/build/lower/lower.js";
import { modeFlags } from "../src/host/build/link/toolchain.js";
import { boot, build, folder, measured, progress } from "./setup.js";

const KERNELS = [
  "sha256",
  "crc32",
  "sieve",
  "quicksort",
  "pointer-chase",
  "memory-mix",
  "scheduler",
  "hypercalls",
];
/** Of C that was not lowered: only what any code in an image at -2 GiB needs. */
const TWIN_FLAGS = "-O2 -std=gnu11 -ffreestanding -fno-pie -mcmodel=kernel -mno-red-zone -Wall";
/** It enters Xen as the guest does whose image it is in. */
const HYPERCALL = "direct";

interface Counts {
  guest: number[];
  checked: number[];
  bare: number[];
}

async function twin(name: string, flags: string[]): Promise<string> {
  const object = join(folder, `${name}.o`);
  const includes = ["boot", "runtime/wasm", "runtime/wasi"].flatMap((part) => [
    "-I",
    join(packageRoot, part),
  ]);
  const source = join("bench", "guest", "kernels.c");
  const all = [...TWIN_FLAGS.split(" "), ...modeFlags(HYPERCALL), ...flags, ...includes];
  await execa("gcc", [...all, "-c", source, "-o", object]);
  return object;
}

async function count(deadLoads: DeadLoads): Promise<Counts> {
  const image = await build("bench/guest/kernels.ts", `kernels-${deadLoads}`, {
    deadLoads,
    hypercall: HYPERCALL,
    native: [
      "bench/guest/kernels-glue.c",
      await twin("kernels-bare", []),
      await twin("kernels-checked", ["-DCHECKED"]),
    ],
  });
  const result = await boot(image, { icount: true, timeoutMs: 300_000 });
  if (result.verdict !== "exit" || result.guestCode !== 0) throw new Error(result.message);
  const all = (suffix: string): number[] =>
    KERNELS.map((kernel) => measured(result, kernel + suffix));
  return { guest: all(""), checked: all("-c-checked"), bare: all("-c") };
}

/** Of all but hypercalls, whose ratio is 1 by construction. */
function geomean(ratios: number[]): number {
  const some = ratios.filter((_, i) => KERNELS[i] !== "hypercalls");
  return Math.exp(some.reduce((sum, ratio) => sum + Math.log(ratio), 0) / some.length);
}

/** The table, as lines. */
export async function kernels(): Promise<string[]> {
  progress.start("eight kernels and their twins");
  const keep = await count("keep");
  const drop = await count("drop");
  const over = (a: number[], b: number[]): number[] => a.map((n, i) => n / (b[i] ?? Number.NaN));
  const checked = over(keep.guest, keep.checked);
  const bare = over(keep.guest, keep.bare);
  const dropped = over(drop.guest, drop.checked);
  const thousands = (n = Number.NaN): string =>
    Math.round(n / 1000)
      .toLocaleString("en")
      .replaceAll(",", " ");
  const line = (name: string, cells: string[]): string => `| ${name} | ${cells.join(" | ")} |`;
  const ratios = (...all: (number | undefined)[]): string[] =>
    all.map((n = Number.NaN) => n.toFixed(2));
  return [
    "| kernel, thousands of instructions | guest | C with AssemblyScript's checks | ratio | C without | ratio | guest, --dead-loads drop | ratio, with checks |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ...KERNELS.map((name, i) =>
      line(name, [
        thousands(keep.guest[i]),
        thousands(keep.checked[i]),
        ...ratios(checked[i]),
        thousands(keep.bare[i]),
        ...ratios(bare[i]),
        thousands(drop.guest[i]),
        ...ratios(dropped[i]),
      ]),
    ),
    "",
    `geomean ${ratios(geomean(checked)).join()} (against C with the same checks; worst ${ratios(Math.max(...checked)).join()}), ` +
      `${ratios(geomean(bare)).join()} against C without checks, ${ratios(geomean(dropped)).join()} with --dead-loads drop`,
  ];
}
