/** Files packed behind a header into one, each from a page's start on: what a bundle and a toolstack's job have in common. */
import { createReadStream } from "node:fs";
import { stat, type FileHandle } from "node:fs/promises";

export const PAGE = 4096;

/**
 * Writes `files` into `output` from its second page on, and of each its offset and size in bytes, 64 bits each, into
 * `header` from `table` on. Returns where the last one's page ends: what `output` is to be as long as, for a last
 * file that is empty, too.
 */
export async function packFiles(
  files: readonly string[],
  output: FileHandle,
  header: Buffer,
  table: number,
): Promise<number> {
  let at = PAGE;
  for (const [index, name] of files.entries()) {
    const { size } = await stat(name);
    header.writeBigUInt64LE(BigInt(at), table + index * 16);
    header.writeBigUInt64LE(BigInt(size), table + 8 + index * 16);
    let to = at;
    for await (const chunk of createReadStream(name, { highWaterMark: 1 << 20 })) {
      const bytes = chunk as Buffer;
      await output.write(bytes, 0, bytes.length, to);
      to += bytes.length;
    }
    at += Math.ceil(size / PAGE) * PAGE;
  }
  return at;
}
