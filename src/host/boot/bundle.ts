/**
 * Several files as one: Xen hands a PVH dom0 a single module, and the toolstack
 * needs the guest's image and the guest's own modules. The reader is
 * src/guest/toolstack/bundle.ts.
 *
 *     0      "xenlet\0\1"
 *     8      number of files, 64 bits, little-endian like all that follows
 *     16     for each file its offset and size in bytes, 64 bits each
 *     4096   the files, each from a page's start and filled up to a page's end
 */
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";

const MAGIC = "xenlet\0\x01";
const PAGE = 4096;
/** As many as start_info may name to the guest, and its image. */
export const MAX_BUNDLED = 9;

/** Writes `files`, at most MAX_BUNDLED, into `output`. */
export async function writeBundle(files: string[], output: string): Promise<void> {
  const header = Buffer.alloc(PAGE);
  header.write(MAGIC, "latin1");
  header.writeBigUInt64LE(BigInt(files.length), 8);
  const bundle = await open(output, "wx");
  try {
    let at = PAGE;
    for (const [index, file] of files.entries()) {
      const { size } = await stat(file);
      header.writeBigUInt64LE(BigInt(at), 16 + index * 16);
      header.writeBigUInt64LE(BigInt(size), 24 + index * 16);
      let to = at;
      for await (const chunk of createReadStream(file)) {
        const bytes = chunk as Buffer;
        await bundle.write(bytes, 0, bytes.length, to);
        to += bytes.length;
      }
      at += Math.ceil(size / PAGE) * PAGE;
    }
    await bundle.write(header, 0, PAGE, 0);
    // Whole pages: a last file that is empty begins where the one before it is filled up to.
    await bundle.truncate(at);
  } finally {
    await bundle.close();
  }
}
