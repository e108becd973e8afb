/**
 * A hypervisor that a user names. What it shows: a Xen is recognised, plain and
 * compressed, with its version; anything else is refused in words. Why it matters:
 * QEMU boots any multiboot file without a word, and the user then waits for a banner
 * that never comes. How it would fail: a truncated download taken for a Xen.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { UserError } from "../../../src/host/base/errors.js";
import { Cache } from "../../../src/host/cache/cache.js";
import { KINDS } from "../../../src/host/cache/kinds.js";
import { identifyXen } from "../../../src/host/debian/xen-binary.js";
import { xenFromPath } from "../../../src/host/debian/xen.js";

interface Parts {
  major?: number;
  minor?: number;
  extra?: string;
  banner?: string;
  magic?: number;
  /** Code of builds with return thunks and endbr64. */
  hardened?: boolean;
}

/** As little as a file needs to look like a Xen: ELF32, multiboot header, version.c, banner. */
function fakeXen(parts: Parts = {}): Buffer {
  const { major = 4, minor = 17, extra = ".7", magic = 0x1badb002, hardened = false } = parts;
  const bytes = Buffer.alloc(4096);
  bytes.writeUInt32BE(0x7f454c46, 0);
  bytes.set([1, 1, 1], 4);
  bytes.writeUInt16LE(2, 16);
  bytes.writeUInt16LE(3, 18);
  bytes.writeUInt32LE(52, 28); // program headers
  bytes.writeUInt16LE(32, 42);
  bytes.writeUInt16LE(1, 44);
  bytes.writeUInt32LE(1, 52); // PT_LOAD
  bytes.writeUInt32LE(128, 56);
  bytes.writeUInt32LE(bytes.length - 128, 68);
  bytes.writeUInt32LE(magic, 0x88);
  bytes.writeUInt32LE(3, 0x8c);
  bytes.writeUInt32LE((-0x1badb002 - 3) >>> 0, 0x90);
  bytes.write(`${parts.banner ?? "Xen version %d.%d%s (%s@%s)"}\0`, 2048, "latin1");
  bytes.write(`${extra}\0`, 3000, "latin1");
  const landing = hardened ? [0xf3, 0x0f, 0x1e, 0xfa] : [];
  const leave = hardened ? [0xe9, 0x16, 0xe6, 0xfc, 0xff] : [0xc3];
  bytes.fill(0x90, 1024, 1072);
  bytes.set([...landing, 0xb8, major, 0, 0, 0, ...leave], 1024);
  bytes.set([...landing, 0xb8, minor, 0, 0, 0, ...leave], 1040);
  const lea = 1056 + landing.length;
  bytes.set([...landing, 0x48, 0x8d, 0x05, 0, 0, 0, 0, ...leave], 1056);
  bytes.writeInt32LE(3000 - (lea + 7), lea + 3);
  return bytes;
}

describe("what a file is", () => {
  test.each([
    [{}, "4.17.7", "4.17"],
    [{ hardened: true }, "4.17.7", "4.17"],
    [{ minor: 20, extra: ".5-pre" }, "4.20.5-pre", "4.20"],
    [{ minor: 21, extra: "-rc1" }, "4.21-rc1", "4.21"],
    [{ minor: 22, extra: "" }, "4.22", "4.22"],
  ])("%o", (parts, version, release) => {
    expect(identifyXen(fakeXen(parts))).toEqual({ version, release });
  });

  test("a Xen whose version is hidden is still one", () => {
    expect(identifyXen(fakeXen({ extra: "\x01\x02" }))).toEqual({ version: null, release: null });
  });

  test.each([
    ["empty", Buffer.alloc(0), /empty/],
    ["text", Buffer.from("Xen version %d.%d%s of a sort"), /not the form/],
    ["zeros", Buffer.alloc(8192), /not a 32-bit x86 ELF/],
    ["no multiboot header", fakeXen({ magic: 0x1badb003 }), /multiboot/],
    ["another multiboot kernel", fakeXen({ banner: "Some other kernel" }), /banner/],
  ])("%s is none", (_, bytes, expected) => {
    expect(identifyXen(bytes)).toMatch(expected);
  });

  test("cut off after any byte: none", () => {
    const whole = fakeXen();
    for (let length = 0; length < whole.length; length++)
      expect(typeof identifyXen(whole.subarray(0, length)), `cut at ${length}`).toBe("string");
  });
});

describe("a path", () => {
  let folder: string;
  let cache: Cache;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "xenlet-test-"));
    cache = new Cache(join(folder, "cache"));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const given = async (bytes: Buffer) => {
    const path = join(folder, "given");
    await writeFile(path, bytes);
    return xenFromPath(path, { cache });
  };

  test("plain: used where it is", async () => {
    expect(await given(fakeXen())).toEqual({
      path: join(folder, "given"),
      release: "4.17",
      debianVersion: null,
    });
  });

  test("compressed: an uncompressed copy in the cache, mended if it was damaged", async () => {
    const { path, release } = await given(gzipSync(fakeXen()));
    expect(release).toBe("4.17");
    expect(path.startsWith(cache.folderOf(KINDS.hypervisors))).toBe(true);
    expect(fakeXen().equals(await readFile(path))).toBe(true);
    await writeFile(path, "damaged");
    expect((await given(gzipSync(fakeXen()))).path).toBe(path);
    expect(fakeXen().equals(await readFile(path))).toBe(true);
  });

  test.each([
    ["not Xen", Buffer.from("#!/bin/sh\n"), /is not a Xen hypervisor: expected .* but it is no/],
    ["truncated", fakeXen().subarray(0, 4000), /truncated: 96 bytes/],
    ["truncated gzip", gzipSync(fakeXen()).subarray(0, 100), /truncated: its gzip/],
    [
      "damaged gzip",
      Buffer.concat([gzipSync(fakeXen()).subarray(0, 12), Buffer.alloc(90, 255)]),
      /uncompressed|truncated/,
    ],
    ["too old", fakeXen({ minor: 8 }), /is Xen 4\.8\.7: expected 4\.11 or newer/],
  ])("%s", async (_, bytes, expected) => {
    const error: unknown = await given(bytes).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).message).toMatch(expected);
    expect((error as UserError).exitCode).toBe(123);
  });

  test("missing, and a folder", async () => {
    await expect(xenFromPath(join(folder, "absent"))).rejects.toThrow(/absent not found/);
    await expect(xenFromPath(folder)).rejects.toThrow(/contains no Xen: expected one of/);
  });
});
