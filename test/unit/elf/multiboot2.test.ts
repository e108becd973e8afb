/**
 * Multiboot2, by which Linux's kexec enters an image. What it shows: every image has a header that kexec finds, and what
 * kexec leaves becomes a start_info. Why it matters: kexec says "Cannot determine the file type" and no more, and boot
 * code that reads the information wrongly has no way to say so. How it would fail: a header at an odd place of the file,
 * the wrong entry, tags that are taken for others, a list without an end.
 */
import { execa } from "execa";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { buildImage } from "../../../src/host/build/build.js";
import { formatInspection, inspectElf, parseElf } from "../../../src/host/elf/index.js";
import { multiboot2Header } from "../../../src/host/elf/multiboot2.js";

const folder = await mkdtemp(join(tmpdir(), "xenlet-multiboot2-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("the header", () => {
  let image: Buffer;

  beforeAll(async () => {
    const output = join(folder, "hello.elf");
    await buildImage({ entry: "examples/hello.ts", output });
    image = await readFile(output);
  }, 120_000);

  const headerOf = (data: Buffer): number | null => multiboot2Header(parseElf(data));

  test("is where kexec looks, and e_entry is not PVH's", () => {
    const at = headerOf(image);
    expect(at).not.toBeNull();
    expect((at ?? 1) % 8).toBe(0);
    const told = inspectElf(parseElf(image));
    expect(told.multiboot2).toMatch(/^0x100[0-9a-f]{3}$/);
    expect(told.multiboot2).not.toBe(told.pvh?.entry);
    expect(formatInspection(told)).toContain(`multiboot2 entry ${told.multiboot2 ?? ""}`);
  });

  test.each([
    ["the magic", 0],
    ["the architecture", 4],
    ["the length", 8],
    ["the checksum", 12],
  ])("damaged in %s, it is none", (_, offset) => {
    const damaged = Buffer.from(image);
    const at = (headerOf(image) ?? 0) + offset;
    damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
    expect(headerOf(damaged)).toBeNull();
    expect(inspectElf(parseElf(damaged)).multiboot2).toBeNull();
  });

  test("moved by 4 bytes, or behind the first 32 KiB, it is none", () => {
    const at = headerOf(image) ?? 0;
    const header = image.subarray(at, at + 24);
    const without = Buffer.from(image);
    without.fill(0, at, at + 24);
    const odd = Buffer.from(without);
    header.copy(odd, at + 4);
    expect(headerOf(odd)).toBeNull();
    expect(headerOf(Buffer.concat([without, Buffer.alloc(32768), header]))).toBeNull();
  });
});

describe("the information", () => {
  const driver = join(folder, "driver");

  beforeAll(async () => {
    const source = "test/fixtures/multiboot2-driver.c";
    await execa("gcc", ["-std=gnu11", "-Wall", "-Werror", "-Iboot", "-o", driver, source]);
  });

  const tag = (type: number, data: Buffer = Buffer.alloc(0), size = 8 + data.length): Buffer => {
    const head = Buffer.alloc(8);
    head.writeUInt32LE(type, 0);
    head.writeUInt32LE(size, 4);
    return Buffer.concat([head, data, Buffer.alloc(-data.length & 7)]);
  };
  const end = tag(0);
  const cmdline = tag(1, Buffer.from("/image nonce=a\0"));
  const loader = tag(2, Buffer.from("kexec\0"));
  const memory = tag(4, Buffer.alloc(8));
  /** The size of an entry, a version, and two entries. */
  const map = tag(6, Buffer.alloc(8 + 2 * 24));

  const read = async (...tags: Buffer[]): Promise<string> => {
    const input = Buffer.concat([Buffer.alloc(8), ...tags]);
    return (await execa(driver, { input })).stdout;
  };

  test("as kexec-tools writes it", async () => {
    // Each tag begins at a multiple of 8: 8, 24, 88, 112, 128.
    expect(await read(memory, map, cmdline, loader, end)).toBe(
      "version 1 modules 0 command line 0x9060 map 0x9028 entries 2 rsdp 0",
    );
  });

  test("without a map or a command line: none is made up", async () => {
    expect(await read(loader, end)).toBe(
      "version 1 modules 0 command line 0 map 0 entries 0 rsdp 0",
    );
  });

  test("what comes behind the end does not count", async () => {
    expect(await read(end, cmdline)).toContain("command line 0 ");
  });

  test("a tag without a size ends the list, which would have no end", async () => {
    expect(await read(cmdline, tag(2, Buffer.alloc(0), 0), map, end)).toContain(
      "command line 0x9010 map 0 ",
    );
  });
});
