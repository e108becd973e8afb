/**
 * What a toolstack is to do, as one file: QEMU's fw_cfg hands it on, cold or restored alike. The reader is
 * src/guest/toolstack/job.ts.
 *
 *     0      "xenlet\0\2"; zeroes while there is no job yet
 *     8      bytes of words, number of files: 32 bits each, little-endian like all that follows
 *     16     when it was written: ns since 1970-01-01 UTC, 64 bits
 *     24     zeroes
 *     64     for each file its offset and size in bytes, 64 bits each
 *     256    words, ASCII
 *     4096   the files, each from a page's start and filled up to a page's end
 *
 * The domain's random bytes are in its image's run block (run-image.ts), so that they too are new for each run.
 */
import { open } from "node:fs/promises";
import { UserError } from "../base/errors.js";
import { MAX_BUNDLED } from "./bundle.js";
import { PAGE, packFiles } from "./packed-files.js";

const MAGIC = "xenlet\0\x02";
const WALL_CLOCK = 16;
const FILES = 64;
const WORDS = 256;
/** What QEMU names it by. */
export const JOB_ITEM = "opt/xenlet/job";

export interface Job {
  /** The toolstack's words, and behind ` -- ` the domain's command line: printable ASCII. */
  words: string;
  /** The domain's image, and its modules. */
  files: string[];
}

/** Writes a job, or the place of one that is still to come. */
export async function writeJob(job: Job | null, output: string): Promise<void> {
  const header = Buffer.alloc(PAGE);
  const file = await open(output, "w");
  try {
    let end = PAGE;
    if (job !== null) {
      if (!/^[ -~]*$/.test(job.words))
        throw new UserError("the guest's command line must be printable ASCII");
      if (job.words.length > PAGE - WORDS)
        throw new UserError(
          `the command line has ${job.words.length} bytes, including what precedes the guest's own part; ` +
            `the toolstack accepts at most ${PAGE - WORDS}`,
        );
      if (job.files.length > MAX_BUNDLED)
        throw new UserError(
          `there are ${job.files.length - 1} modules, at most ${MAX_BUNDLED - 1}`,
        );
      header.write(MAGIC, "latin1");
      header.writeUInt32LE(job.words.length, 8);
      header.writeUInt32LE(job.files.length, 12);
      header.writeBigUInt64LE(BigInt(Date.now()) * 1_000_000n, WALL_CLOCK);
      header.write(job.words, WORDS, "latin1");
      end = await packFiles(job.files, file, header, FILES);
    }
    await file.write(header, 0, PAGE, 0);
    await file.truncate(end);
  } finally {
    await file.close();
  }
}
