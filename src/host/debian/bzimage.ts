// vmlinux out of a bzImage: the kernel as an ELF file with its Xen notes, which is what PVH enters. Linux's
// Documentation/arch/x86/boot.rst has the header; the payload is compressed by xz or zstd in Debian's kernels.

import { decompress as unzstd } from "fzstd";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";

import { UserError } from "../base/errors.js";
import { given } from "../base/given.js";
import type { Unxz } from "./xz.js";

/** Offsets in the boot protocol's header. */
const SETUP_SECTS = 0x1f1;
const HEADER_MAGIC = 0x202;
const PROTOCOL = 0x206;
const PAYLOAD_OFFSET = 0x248;
const PAYLOAD_LENGTH = 0x24c;
const HEADER_END = 0x250;
/** The first protocol that says where the payload is. */
const PROTOCOL_WITH_PAYLOAD = 0x208;
const SECTOR = 512;
/** The decompressed size, at the payload's end, outside the compressed stream. */
const SIZE_FIELD = 4;

const MAGIC_XZ = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]);
const MAGIC_ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const MAGIC_GZIP = Buffer.from([0x1f, 0x8b]);
const MAGIC_ELF = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);

const gunzipped = promisify(gunzip);

/**
 * The ELF file in `bzImage`. Throws UserError for what is no bzImage, is cut off, is compressed in another way, or
 * does not come out as long as it says.
 */
export async function vmlinuxOf(bzImage: Buffer, unxz: Unxz): Promise<Buffer> {
  const payload = payloadOf(bzImage);
  const expected = payload.readUInt32LE(payload.length - SIZE_FIELD);
  const kernel = await decompressed(payload.subarray(0, -SIZE_FIELD), unxz);
  if (!kernel.subarray(0, MAGIC_ELF.length).equals(MAGIC_ELF))
    throw noKernel("its contents are not an ELF file");
  if (kernel.length !== expected)
    throw noKernel(`it contains ${kernel.length} bytes, but declares ${expected}`);
  return kernel;
}

function payloadOf(bzImage: Buffer): Buffer {
  if (
    bzImage.length < HEADER_END ||
    bzImage.toString("latin1", HEADER_MAGIC, HEADER_MAGIC + 4) !== "HdrS"
  )
    throw noKernel("it has no boot protocol header");
  const protocol = bzImage.readUInt16LE(PROTOCOL);
  if (protocol < PROTOCOL_WITH_PAYLOAD)
    throw noKernel(`its boot protocol is 0x${protocol.toString(16)}, expected 0x208 or newer`);
  // 0 stands for 4, from before there was the field.
  const setup = bzImage.readUInt8(SETUP_SECTS);
  const sectors = (setup === 0 ? 4 : setup) + 1;
  const start = sectors * SECTOR + bzImage.readUInt32LE(PAYLOAD_OFFSET);
  const length = bzImage.readUInt32LE(PAYLOAD_LENGTH);
  if (length <= SIZE_FIELD || start + length > bzImage.length)
    throw noKernel(
      `it is truncated: its payload of ${length} bytes begins at ${start}, and the file has ${bzImage.length}`,
    );
  return bzImage.subarray(start, start + length);
}

async function decompressed(payload: Buffer, unxz: Unxz): Promise<Buffer> {
  const begins = (magic: Buffer): boolean => payload.subarray(0, magic.length).equals(magic);
  try {
    if (begins(MAGIC_XZ)) return await unxz(payload);
    if (begins(MAGIC_ZSTD)) return Buffer.from(unzstd(payload));
    if (begins(MAGIC_GZIP)) return await gunzipped(payload);
  } catch (cause) {
    throw noKernel(`its payload is damaged: ${(cause as Error).message}`, cause);
  }
  throw noKernel(
    `its payload begins with ${payload.toString("hex", 0, 6)}: expected xz, zstd or gzip`,
  );
}

function noKernel(why: string, cause?: unknown): UserError {
  return new UserError(`not a Linux kernel that can be unpacked: ${why}`, {
    ...given({ cause }),
  });
}
