// What is typed on Xen's console, for a domain whose console is a ring: read by console_io, which Xen gives
// to its hardware domain, and passed on. Call pump() for every VIRQ_CONSOLE and, while something is waiting, for every
// event of the domain's console, which may have made room.

import { consoleIo } from "xenlet/raw/console-io";
import { ConsoleBackend } from "./console-backend";

/**
 * What the domain has not read yet is kept here once its ring (1 KiB) is full. With this full as well it is left to
 * Xen, which keeps 128 bytes (SERIAL_RX_SIZE, xen/drivers/char/console.c, 4.17) and drops the rest.
 */
const KEPT: u32 = 16384;

/** Passes on what is typed on Xen's console to a domain's, as fast as the domain takes it. */
export class Typing {
  private kept: StaticArray<u8> = new StaticArray<u8>(KEPT);
  private length: u32 = 0;

  constructor(private console: ConsoleBackend) {}

  /** Moves as much of it as there is room for. Returns how many bytes Xen has room for again. */
  pump(): u32 {
    let sum: u32 = 0;
    while (true) {
      const read = this.read();
      const typed = this.type();
      if (read == 0 && typed == 0) return sum;
      sum += read;
    }
  }

  /** Bytes that the domain has no room for yet. */
  get waiting(): u32 {
    return this.length;
  }

  private read(): u32 {
    if (this.length == KEPT) return 0;
    const read = consoleIo.read(changetype<usize>(this.kept) + this.length, KEPT - this.length);
    if (read <= 0) return 0;
    this.length += <u32>read;
    return <u32>read;
  }

  private type(): u32 {
    if (this.length == 0) return 0;
    const at = changetype<usize>(this.kept);
    const typed = this.console.type(at, this.length);
    this.length -= typed;
    memory.copy(at, at + typed, this.length);
    return typed;
  }
}
