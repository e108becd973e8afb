/**
 * Several files as one: Xen hands a PVH dom0 a single module, and a toolstack of a user's own (examples/toolstack.ts) may
 * want more. The reader is src/guest/toolstack/bundle.ts.
 *
 *     0      "xenlet\0\1"
 *     8      number of files, 64 bits, little-endian like all that follows
 *     16     for each file its offset and size in bytes, 64 bits each
 *     4096   the files, each from a page's start and filled up to a page's end
 */
import { open } from "node:fs/promises";
import { PAGE, packFiles } from "./packed-files.js";

const MAGIC = "xenlet\0\x01";
/** As many as start_info may name to the guest, and its image. */
export const MAX_BUNDLED = 9;

/** Writes `files`, at most MAX_BUNDLED, into `output`. */
export async function writeBundle(files: string[], output: string): Promise<void> {
  const header = Buffer.alloc(PAGE);
  header.write(MAGIC, "latin1");
  header.writeBigUInt64LE(BigInt(files.length), 8);
  const bundle = await open(output, "wx");
  try {
    const end = await packFiles(files, bundle, header, 16);
    await bundle.write(header, 0, PAGE, 0);
    await bundle.truncate(end);
  } finally {
    await bundle.close();
  }
}
