/**
 * Which of Xen's code ran: QEMU logs each block of instructions when it translates it, which is when it runs for the first time
 * (-d in_asm), here over Xen's text alone. No special build of Xen is needed, and a boot takes hardly longer.
 */
import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";

/** Xen's text begins here: XEN_VIRT_START + 2 MiB, xen/include/asm-x86/config.h; 4.14 has the first one. */
const TEXT = ["0xffff82d080200000", "0xffff82d040200000"];
const TEXT_SIZE = 0x40_0000;
/** An address of the image in its file: below 1 GiB, XEN_VIRT_START is a multiple of that. */
const OFFSET_MASK = 0x3fff_ffffn;
const SPACE = 0x80_0000;

/** A line of the log: "0xffff82d040200000:  fa  cli"; a long instruction continues in the next one, which has an address of its own. */
const LINE = /^0x([0-9a-f]{16}): {2}((?:[0-9a-f]{2}(?: |$))+)/;

/** The bytes of one Xen's image that have run. */
export class Trace {
  readonly #ran = new Uint8Array(SPACE);
  #boots = 0;

  /** `folder`: for logs, which are large and are removed when they have been read. */
  constructor(
    private readonly folder: string,
    private readonly label: string,
  ) {}

  /** More arguments for QEMU, for one boot; `file` is to be given to read(). */
  next(): { file: string; args: string[] } {
    this.#boots += 1;
    const file = path.join(this.folder, `.${this.label}-${String(this.#boots)}.in_asm`);
    const filter = TEXT.map((start) => `${start}+0x${TEXT_SIZE.toString(16)}`).join(",");
    return { file, args: ["-d", "in_asm", "-dfilter", filter, "-D", file] };
  }

  /** Takes a boot's log, and removes it. One that is not there adds nothing. */
  async read(file: string): Promise<void> {
    const stream = createReadStream(file);
    try {
      for await (const line of createInterface({ input: stream })) this.push(line);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    } finally {
      await rm(file, { force: true });
    }
  }

  push(line: string): void {
    const [, address = "", bytes = ""] = LINE.exec(line) ?? [];
    if (address === "") return;
    const from = offsetOf(BigInt(`0x${address}`));
    this.#ran.fill(1, from, from + bytes.trim().split(" ").length);
  }

  /** Whether the instruction at that address of Xen's has run. */
  ran(address: bigint): boolean {
    return this.#ran[offsetOf(address)] === 1;
  }
}

/** Where in the image that is: its physical address as the file has it. */
export function offsetOf(address: bigint): number {
  return Number(address & OFFSET_MASK);
}
