/** The RAM of a running QEMU, read from outside: it is a memory file that this process opens too. */
import { open, readdir, readlink, type FileHandle } from "node:fs/promises";
import path from "node:path";

const NAME = "xenlet-ram";
/** Where RAM that does not fit below the PCI hole begins again: QEMU's hw/i386/pc.c. */
const HIGH_RAM = 2 ** 32;
/** The pc machine keeps this much for the hole once RAM reaches it (hw/i386/pc_piix.c, pc_init1()). */
const HOLE_FROM = 0xe0000000;
const LOW_RAM_WITH_HOLE = 0xc0000000;

/** QEMU's arguments for RAM of `megabytes` MiB that can be read from outside; `-m` stays as it is. */
export function ramArgs(megabytes: number): string[] {
  return [
    ...["-object", `memory-backend-memfd,id=${NAME},size=${megabytes}M,share=on`],
    ...["-machine", `memory-backend=${NAME}`],
  ];
}

/** Reads at machine physical addresses, which are QEMU's guest's. */
export class MachineMemory {
  private constructor(
    private readonly file: FileHandle,
    /** In bytes. */
    readonly size: number,
  ) {}

  /** Of the process that was started with ramArgs(). Rejects if it has no such file, or if it may not be read. */
  static async open(pid: number, flags: "r" | "r+" = "r"): Promise<MachineMemory> {
    const folder = `/proc/${pid}/fd`;
    for (const name of await readdir(folder)) {
      const link = path.join(folder, name);
      const target = await readlink(link).catch(() => "");
      if (!target.startsWith("/memfd:memory-backend-memfd")) continue;
      const file = await open(link, flags);
      return new MachineMemory(file, (await file.stat()).size);
    }
    throw new Error(`process ${pid} has no memory file`);
  }

  /** Where a machine address is in the file; null: there is no RAM. */
  #offset(address: number): number | null {
    const low = this.size >= HOLE_FROM ? LOW_RAM_WITH_HOLE : this.size;
    if (address < low) return address;
    const high = address - HIGH_RAM + low;
    return address >= HIGH_RAM && high < this.size ? high : null;
  }

  /** `bytes` from machine address `address` on, which may not cross a page's end unless both are RAM in one piece. */
  async read(address: number, bytes: number): Promise<Buffer> {
    const offset = this.#offset(address);
    if (offset === null || offset + bytes > this.size)
      throw new RangeError(`no RAM at 0x${address.toString(16)}`);
    const buffer = Buffer.alloc(bytes);
    await this.file.read(buffer, 0, bytes, offset);
    return buffer;
  }

  /** For one that was opened with "r+". */
  async write(address: number, bytes: Buffer): Promise<void> {
    const offset = this.#offset(address);
    if (offset === null) throw new RangeError(`no RAM at 0x${address.toString(16)}`);
    await this.file.write(bytes, 0, bytes.length, offset);
  }

  has(address: number): boolean {
    return this.#offset(address) !== null;
  }

  /** All of it, in pieces; `address`: the machine's. */
  async *pieces(): AsyncGenerator<{ address: number; bytes: Buffer }> {
    const piece = 2 ** 21;
    for (let address = 0; address < this.size + HIGH_RAM; address += piece)
      if (this.has(address)) yield { address, bytes: await this.read(address, piece) };
      else if (address < HIGH_RAM) address = HIGH_RAM - piece;
      else return;
  }

  async close(): Promise<void> {
    await this.file.close();
  }
}
