// A file that the loader brings along survives a guest that uses all of its memory.
// Why: Xen puts it right behind the image, just where linear memory grows, so boot code moves it to the end of
// RAM first. Fails if a byte of it is overwritten, or if the guest could not use the memory in between.

import { writeFile } from "node:fs/promises";
import { beforeAll, expect, test } from "vitest";

import { boot, build, expectSuccess, printed, scratch } from "./setup.js";

let image: string;

beforeAll(async () => {
  image = await build("test/boot/guest/module.ts");
});

function fnv1a(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => Math.imul(sum ^ byte, 0x01000193) >>> 0, 0x811c9dc5);
}

test.each([1, 4096, 70_001, 1_500_000])("a module of %i bytes", async (size) => {
  const file = scratch(`module-${String(size)}`);
  const bytes = Uint8Array.from({ length: size }, (_, index) => (index * 31 + (index >> 8)) % 256);
  await writeFile(file, bytes);
  const result = await boot(image, { on: "dom0", modules: [file], memoryMiB: 32 });
  expectSuccess(result);
  expect(printed(result)).toEqual([
    "modules 1",
    `size ${String(size)} fnv1a ${String(fnv1a(bytes))}`,
  ]);
});

test("none is none", async () => {
  expect(printed(await boot(image, { on: "dom0", memoryMiB: 32 }))).toEqual(["modules 0"]);
});
