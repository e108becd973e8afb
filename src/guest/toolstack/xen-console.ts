// What Xen itself prints: its console ring, which keeps the last 16 KiB or more of it (read_console_ring,
// xen/drivers/char/console.c). Reading removes nothing: other readers find all of it.

import { checked } from "xenlet/raw/hypercall";
import {
  XEN_SYSCTL_debug_keys,
  XEN_SYSCTL_readconsole,
  xen_sysctl_debug_keys,
  xen_sysctl_readconsole,
} from "xenlet/raw/abi/sysctl";
import { sysctl, sysctlArgument } from "./domctl";

const SIZE: u32 = 4096;
const buffer: usize = memory.data(<i32>SIZE, 8);

/** What Xen itself prints, read by XEN_SYSCTL_readconsole (sysctl.h). */
export class XenConsole {
  /** Where the next read begins: Xen counts all bytes that it ever printed. */
  private index: u32 = 0;

  /** What Xen prints from now on. */
  constructor() {
    while (this.readSome() > 0) {}
  }

  /** What has come since the last read. Ends the toolstack if Xen refuses. */
  read(): string {
    let text = "";
    while (true) {
      const bytes = this.readSome();
      if (bytes == 0) return text;
      text += String.UTF8.decodeUnsafe(buffer, bytes);
    }
  }

  private readSome(): u32 {
    const u = changetype<xen_sysctl_readconsole>(sysctlArgument());
    u.incremental = 1;
    u.index = this.index;
    u.buffer = buffer;
    u.count = SIZE;
    checked("XEN_SYSCTL_readconsole", sysctl(XEN_SYSCTL_readconsole));
    this.index = u.index;
    return u.count;
  }
}

const key: usize = memory.data(8, 8);

/**
 * What Xen prints when debug key `name` is pressed, of itself and of every domain: "q" domains and their vCPUs, "e" event
 * channels, "g" grants, "a" timers (xen/common/keyhandler.c). Its wording differs between versions. Ends the toolstack if
 * Xen refuses.
 */
export function pressDebugKey(name: string): string {
  const console = new XenConsole();
  store<u8>(key, <u8>name.charCodeAt(0));
  const u = changetype<xen_sysctl_debug_keys>(sysctlArgument());
  u.keys = key;
  u.nr_keys = 1;
  checked("XEN_SYSCTL_debug_keys", sysctl(XEN_SYSCTL_debug_keys));
  return console.read();
}
