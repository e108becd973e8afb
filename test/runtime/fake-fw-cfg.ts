// QEMU's fw_cfg with one file in it, the toolstack's job, read by DMA: docs/specs/fw_cfg.txt, QEMU 7.2. Numbers are big endian.

import { JOB_ITEM } from "../../src/host/boot/job.js";

const FILE_DIR = 0x19;
const JOB_KEY = 0x20;
const READ = 2;
const SKIP = 4;
const SELECT = 8;

const PAGE = 4096;

/** Memory as the device sees it. */
interface Memory {
  load8(at: number): number;
  store8(at: number, value: number): void;
}

export class FwCfg {
  #key = 0;
  #position = 0;

  constructor(private readonly memory: Memory) {}

  /** A request is at `address`; the job's file has these bytes. */
  request(address: number, job: Buffer): void {
    const control = this.#u32(address);
    const length = this.#u32(address + 4);
    const to = this.#u32(address + 12);
    if ((control & SELECT) !== 0) {
      this.#key = control >>> 16;
      this.#position = 0;
    }
    if ((control & READ) !== 0) {
      const item = this.#key === FILE_DIR ? directoryOf(job) : this.#key === JOB_KEY ? job : null;
      for (let i = 0; i < length; i++) this.memory.store8(to + i, item?.[this.#position + i] ?? 0);
    }
    if ((control & (READ | SKIP)) !== 0) this.#position += length;
    for (let i = 0; i < 4; i++) this.memory.store8(address + i, 0);
  }

  #u32(at: number): number {
    return [0, 1, 2, 3].reduce((sum, i) => sum * 256 + (this.memory.load8(at + i) & 0xff), 0);
  }
}

/** FW_CFG_FILE_DIR: a count, and for each file size, key and name. */
function directoryOf(job: Buffer): Buffer {
  const directory = Buffer.alloc(4 + 64);
  directory.writeUInt32BE(1, 0);
  directory.writeUInt32BE(job.length, 4);
  directory.writeUInt16BE(JOB_KEY, 8);
  directory.write(JOB_ITEM, 12, "latin1");
  return directory;
}

/** A job's bytes, as src/host/boot/job.ts writes them into a file. */
export function jobOf(words: string, files: Buffer[]): Buffer {
  const header = Buffer.alloc(PAGE);
  header.write("xenlet\0\x02", "latin1");
  header.writeUInt32LE(words.length, 8);
  header.writeUInt32LE(files.length, 12);
  header.write(words, 256, "latin1");
  const parts: Uint8Array[] = [header];
  let at = PAGE;
  for (const [index, file] of files.entries()) {
    header.writeBigUInt64LE(BigInt(at), 64 + index * 16);
    header.writeBigUInt64LE(BigInt(file.length), 72 + index * 16);
    const room = Math.ceil(file.length / PAGE) * PAGE;
    parts.push(file, Buffer.alloc(room - file.length));
    at += room;
  }
  return Buffer.concat(parts);
}
