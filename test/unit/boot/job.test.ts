/**
 * A toolstack's job as a file. Why it matters: it is all that a restored machine learns about its run. How it would fail:
 * a file's bytes are not where the header says, or words are cut off in silence.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeJob } from "../../../src/host/boot/job.js";

let folder: string;
let jobs = 0;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "xenlet-job-test-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function written(job: Parameters<typeof writeJob>[0]): Promise<Buffer> {
  const file = path.join(folder, `job-${jobs++}`);
  await writeJob(job, file);
  return readFile(file);
}

async function fileOf(name: string, bytes: Uint8Array): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, bytes);
  return file;
}

describe("a job", () => {
  test("has its words, the time, and each file where its header says", async () => {
    const contents = [Buffer.alloc(5000, 1), Buffer.alloc(0), Buffer.from("three")];
    const files = await Promise.all(contents.map((bytes, at) => fileOf(`file-${at}`, bytes)));
    const before = Date.now();
    const job = await written({ words: "nonce=1 -- a b", files });
    expect(job.subarray(0, 8).toString("latin1")).toBe("xenlet\0\x02");
    expect(job.subarray(256, 256 + job.readUInt32LE(8)).toString()).toBe("nonce=1 -- a b");
    expect(Number(job.readBigUInt64LE(16) / 1_000_000n)).toBeGreaterThanOrEqual(before);
    expect(job.readUInt32LE(12)).toBe(3);
    for (const [at, bytes] of contents.entries()) {
      const offset = Number(job.readBigUInt64LE(64 + at * 16));
      const size = Number(job.readBigUInt64LE(72 + at * 16));
      expect(offset % 4096).toBe(0);
      expect(job.subarray(offset, offset + size)).toEqual(bytes);
    }
  });

  test("that is still to come is a page of zeroes", async () => {
    expect(await written(null)).toEqual(Buffer.alloc(4096));
  });

  test("that does not fit is refused, with what does", async () => {
    await expect(written({ words: "x".repeat(3841), files: [] })).rejects.toThrow(
      /3841.*at most 3840/,
    );
    await expect(written({ words: "é", files: [] })).rejects.toThrow(/printable ASCII/);
    const files = Array<string>(10).fill(await fileOf("one", Buffer.from("1")));
    await expect(written({ words: "", files })).rejects.toThrow(/9 modules, at most 8/);
  });
});
