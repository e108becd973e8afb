// vmlinux out of a bzImage: a file whose format is Linux's, and not ours to choose.
// Why: Debian's kernel is compressed in one way today and in another tomorrow, and a download may be cut off. Fails if
// what comes out is not what went in, or if a damaged file is taken for a kernel.

import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";

import { vmlinuxOf as unpack } from "../../../src/host/debian/bzimage.js";
import { provideXz } from "../../../src/host/debian/xz.js";
import { createProgress } from "../../../src/host/base/progress.js";

/** 40 calls: what the filter for x86, which Linux's build uses, changes. */
const KERNEL = Buffer.concat([
  Buffer.from([0x7f, 0x45, 0x4c, 0x46]),
  ...Array.from({ length: 40 }, () => Buffer.from([0xe8, 0x10, 0, 0, 0])),
]);

/** KERNEL, by xz --check=crc32 --x86 --lzma2=dict=4KiB (5.4.1). */
const KERNEL_XZ =
  "/Td6WFoAAAFpIt42AgEEACEBAADaM60D4ADLAFRdAD+RRYRwahXheO9J/hpsU/ElWu/qda1ClHT/VYO+xrowMBsVLcL+GABb6uzHHnAtLHPC7neD" +
  "KI/0sIwmfzMjCD80YGUDBB7XkrbOexp5brES46iwAADzFtEFAAFszAEAAABDeTooPjANiwIAAAAAAVla";

const unxz = await provideXz(createProgress(process.stderr, { quiet: true }));
const vmlinuxOf = (image: Buffer) => unpack(image, unxz);
const xz = () => Buffer.from(KERNEL_XZ, "base64");

/** One frame with one raw block: RFC 8878, 3.1.1. */
function zstd(bytes: Buffer): Buffer {
  const block = Buffer.alloc(3);
  block.writeUIntLE((bytes.length << 3) | 1, 0, 3);
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, bytes.length]), block, bytes]);
}

/** A bzImage with this payload; `size` is what it says of the decompressed kernel. */
function bzImage(
  payload: Buffer,
  size = KERNEL.length,
  changes: (head: Buffer) => void = () => undefined,
) {
  const head = Buffer.alloc(5 * 512);
  head[0x1f1] = 4;
  head.write("HdrS", 0x202, "latin1");
  head.writeUInt16LE(0x20f, 0x206);
  head.writeUInt32LE(16, 0x248);
  head.writeUInt32LE(payload.length + 4, 0x24c);
  changes(head);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(size);
  return Buffer.concat([head, Buffer.alloc(16), payload, tail, Buffer.alloc(100)]);
}

describe("vmlinux", () => {
  test.each([
    ["gzip", (bytes: Buffer) => gzipSync(bytes)],
    ["xz", xz],
    ["zstd", zstd],
  ] as const)("compressed by %s", async (_, compress) => {
    expect((await vmlinuxOf(bzImage(compress(KERNEL)))).equals(KERNEL)).toBe(true);
  });

  test("a header that says 0 setup sectors means 4", async () => {
    const image = bzImage(gzipSync(KERNEL), KERNEL.length, (head) => (head[0x1f1] = 0));
    expect((await vmlinuxOf(image)).equals(KERNEL)).toBe(true);
  });

  test.each<[string, () => Buffer, RegExp]>([
    ["an empty file", () => Buffer.alloc(0), /no boot protocol header/],
    ["another file", () => Buffer.alloc(8192, 1), /no boot protocol header/],
    [
      "a protocol without a payload",
      () => bzImage(gzipSync(KERNEL), 0, (head) => head.writeUInt16LE(0x207, 0x206)),
      /protocol is 0x207, expected 0x208/,
    ],
    ["a download that was cut off", () => bzImage(xz()).subarray(0, 5 * 512 + 40), /truncated/],
    [
      "a payload that begins beyond the end",
      () => bzImage(gzipSync(KERNEL), 0, (head) => head.writeUInt32LE(0x7fffffff, 0x248)),
      /truncated/,
    ],
    [
      "no payload",
      () => bzImage(Buffer.alloc(0), 0, (head) => head.writeUInt32LE(0, 0x24c)),
      /truncated/,
    ],
    [
      "another compression",
      () => bzImage(Buffer.from("BZh91AY&SY")),
      /begins with 425a68393141: expected/,
    ],
    [
      "a damaged payload",
      () => {
        const payload = xz();
        payload.writeUInt8(payload.readUInt8(30) ^ 0xff, 30);
        return bzImage(payload);
      },
      /damaged: .*[Cc]ompressed data is corrupt/,
    ],
    ["no ELF file in it", () => bzImage(gzipSync(Buffer.alloc(204))), /not an ELF file/],
    [
      "another size than it says",
      () => bzImage(gzipSync(KERNEL), 5),
      /contains 204 bytes, but declares 5/,
    ],
  ])("%s is refused", async (_, image, message) => {
    await expect(vmlinuxOf(image())).rejects.toThrow(message);
  });
});
