// What every benchmark stands on: Xen and QEMU, a folder for images, a boot of one, and the table.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { buildImage, type BuildOptions } from "../src/host/build/build.js";
import { bootGuest, type BootOptions, type BootResult } from "../src/host/boot/boot.js";
import { provideQemu, provideXen } from "../src/host/debian/index.js";
import { fieldsOf } from "../src/host/protocol/record.js";
import { createProgress } from "../src/host/base/progress.js";

export const progress = createProgress();
export const xen = await provideXen("4.17", progress);
export const qemu = await provideQemu(progress);
export const folder = await mkdtemp(join(tmpdir(), "xenlet-bench-"));

export async function tidyUp(): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

export async function build(
  entry: string,
  name: string,
  options: Partial<BuildOptions> = {},
): Promise<string> {
  const output = join(folder, `${name}.elf`);
  await buildImage({ entry, output, ...options });
  return output;
}

export async function boot(image: string, options: Partial<BootOptions> = {}): Promise<BootResult> {
  return bootGuest({ on: "dom0", image, xen, qemu, ...options });
}

export function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** A figure that the guest measured; NaN (and so a broken table) if it did not. */
export function measured(result: BootResult, name: string): number {
  const record = result.records.find(
    (r) => r.kind === "measure" && fieldsOf(r)?.get("name") === name,
  );
  return Number(record === undefined ? Number.NaN : fieldsOf(record)?.get("value"));
}
