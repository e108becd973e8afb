// Xen's own console, by hypercall: console_io, xen/drivers/char/console.c (4.17). A release build of Xen gives
// it to the hardware domain only.

import { hypercall3 } from "../internal/intrinsics";
import { CONSOLEIO_read, CONSOLEIO_write } from "./abi/console";
import { __HYPERVISOR_console_io } from "./abi/xen";

export namespace consoleIo {
  /** Writes `size` bytes to Xen's console. Returns 0, or -EPERM where the domain may not. */
  export function write(from: usize, size: u32): i64 {
    return hypercall3(__HYPERVISOR_console_io, CONSOLEIO_write, size, from);
  }

  /** Reads at most `size` bytes that were typed there; returns how many, 0 if none. VIRQ_CONSOLE tells of new ones. */
  export function read(to: usize, size: u32): i64 {
    return hypercall3(__HYPERVISOR_console_io, CONSOLEIO_read, size, to);
  }
}
