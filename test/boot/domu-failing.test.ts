// What a run says when the image, or its first instruction, is broken and the toolstack is to make a domain of it.
// Why: the toolstack is a guest too; without care its own failure looks like the guest's, or like nothing at all. Fails
// if one of these counts as a success, waits for its deadline, or does not say who failed at what.

import { readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";

import type { BootResult } from "../../src/host/boot/boot.js";
import { entryOffset } from "./entry.js";
import { boot, build, expectSuccess, scratch } from "./setup.js";

const hello = await readFile(await build("examples/hello.ts"));

/** Offset in the file of program header `index`. */
const header = (index: number): number => Number(hello.readBigUInt64LE(32)) + index * 56;

/** Boots the hello image with some bytes changed, as a domain. */
async function damaged(name: string, change: (image: Buffer) => void): Promise<BootResult> {
  const image = Buffer.from(hello);
  change(image);
  const file = scratch(`${name}.elf`);
  await writeFile(file, image);
  return boot(file, { on: "domu", force: true });
}

test("a guest that faults at its first instruction triple-faults, and the toolstack was there", async () => {
  const result = await damaged("ud2", (image) => {
    image.writeUInt16LE(0x0b0f, entryOffset(image));
  });
  expect(result).toMatchObject({ verdict: "crash", exitCode: 120, stage: "entered" });
  expect(result.message).toContain("the guest triple-faulted");
});

test("an image without a PVH note: the toolstack names what is missing", async () => {
  const result = await damaged("no-note", (image) => {
    image.writeUInt32LE(99, image.indexOf(Buffer.from([4, 0, 0, 0, 4, 0, 0, 0, 18, 0, 0, 0])) + 8);
  });
  expect(result).toMatchObject({ verdict: "host", exitCode: 122 });
  expect(result.message).toMatch(/^the toolstack failed: .*XEN_ELFNOTE_PHYS32_ENTRY/);
});

test("an image that is larger than the domain: the toolstack says how much it takes", async () => {
  const result = await damaged("large", (image) => {
    image.writeBigUInt64LE(0x4000_0000n, header(1) + 40);
  });
  expect(result).toMatchObject({ verdict: "host", exitCode: 122 });
  expect(result.message).toMatch(
    /^the toolstack failed: .*the first 1026 MiB of a domain that has 128: give it more/,
  );
});

test("the control: unchanged, it boots", async () => {
  expectSuccess(await damaged("same", () => undefined));
});
