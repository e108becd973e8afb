// What every boot test stands on: the hypervisor and QEMU from the cache, images built into a folder that is
// removed afterwards, and a boot of one of them.

import { basename, join } from "node:path";
import { expect } from "vitest";

import { buildImage, type BuildOptions } from "../../src/host/build/build.js";
import { bootGuest, type BootOptions, type BootResult } from "../../src/host/boot/boot.js";
import { provideQemu, provideXen } from "../../src/host/debian/index.js";
import { TextOutput, type OutputStream } from "../../src/host/protocol/text-output.js";
import type { GuestRecord } from "../../src/host/protocol/record.js";
import { createProgress } from "../../src/host/base/progress.js";
import { testFolder } from "./folder.js";

const progress = createProgress(process.stderr, { quiet: true });
export const xen = await provideXen("4.17", progress);
export const qemu = await provideQemu(progress);

let images = 0;

/** Builds a guest; its image lasts as long as the test file. */
export async function build(entry: string, options: Partial<BuildOptions> = {}): Promise<string> {
  const output = join(testFolder(), `${String(images++)}-${basename(entry, ".ts")}.elf`);
  await buildImage({ entry, output, ...options });
  return output;
}

/** A path in the test's folder, for an image that the test makes itself. */
export function scratch(name: string): string {
  return join(testFolder(), name);
}

/** A limit that is not expected to be reached. In ms. */
const GENEROUS_MS = 20_000;

/**
 * A boot as `xenlet run` does it unless told otherwise: as a domain, from a saved machine where that may be. What is about
 * the hardware domain, or about a boot from the start, says so.
 *
 * Now and then QEMU loses an interrupt: of Xen's timer, which is then not set again, so that everything stands still until
 * something else interrupts (docs/harness.md). Hence one that ran into a generous limit is booted once more, and it is said.
 */
export async function boot(image: string, options: Partial<BootOptions> = {}): Promise<BootResult> {
  const all = { on: "domu", image, xen, qemu, timeoutMs: 30_000, ...options } as const;
  const result = await bootGuest(all);
  if (result.verdict !== "timeout" || all.timeoutMs < GENEROUS_MS) return result;
  console.error(`booted once more, after: ${result.message} (${result.log ?? "no log"})`);
  return bootGuest(all);
}

/** The lines that the guest printed on standard output. */
export function printed(result: BootResult, of: OutputStream = "stdout"): string[] {
  const lines: string[] = [];
  const output = new TextOutput({
    onLine: (line, stream) => {
      if (stream === of) lines.push(line);
    },
  });
  for (const record of result.records) output.take(record);
  output.end();
  return lines;
}

export function payloads(result: BootResult, kind: string): string[] {
  return result.records
    .filter((record: GuestRecord) => record.kind === kind)
    .map((record) => record.payload);
}

/** That the guest said code 0 and powered off; if not, the failure shows what it said and where it stopped. */
export function expectSuccess(result: BootResult): void {
  expect({
    verdict: result.verdict,
    code: result.guestCode,
    said: result.message,
    tail: result.tail.slice(-6),
  }).toMatchObject({
    verdict: "exit",
    code: 0,
  });
  expect(result.damage).toEqual([]);
}
