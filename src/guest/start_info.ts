// What the loader handed over: boot/start_info.c checked it and keeps a copy.

import { boot_data, shared_map } from "./intrinsics";
import { hvm_modlist_entry } from "./abi/start_info";

export enum BootData {
  START_INFO = 0,
  CMDLINE = 1,
  MEMMAP = 2,
  MODLIST = 3,
}

/** The kernel command line, without the name of the image. At most 2047 bytes of it. */
export function commandLine(): string {
  const size = boot_data(BootData.CMDLINE, 0, 0);
  const buffer = heap.alloc(size);
  boot_data(BootData.CMDLINE, buffer, size);
  const text = String.UTF8.decodeUnsafe(buffer, size);
  heap.free(buffer);
  return text;
}

/** The value of `key=value` on the command line; `otherwise` if it is not there. */
export function commandLineValue(key: string, otherwise: string = ""): string {
  const words = commandLine().split(" ");
  const prefix = key + "=";
  for (let i = 0; i < words.length; i++) {
    if (words[i].startsWith(prefix)) return words[i].substring(prefix.length);
  }
  return otherwise;
}

/** A file that the loader put into memory beside the image. */
export class BootModule {
  constructor(
    /** Guest physical. Boot code may have moved it, out of linear memory's way. */
    readonly paddr: u64,
    /** In bytes. */
    readonly size: u64,
  ) {}

  /**
   * Maps it, to be read through the intrinsics for shared memory. Returns its address, or 0 if the window (2 MiB
   * for everything) has no room for it.
   */
  map(): usize {
    const pages = <u32>(((this.paddr & 4095) + this.size + 4095) >> 12);
    const at = shared_map(this.paddr >> 12, pages);
    return at == 0 ? 0 : at + <usize>(this.paddr & 4095);
  }
}

/** What the loader brought along, in its order. */
export function bootModules(): Array<BootModule> {
  const size = boot_data(BootData.MODLIST, 0, 0);
  const buffer = heap.alloc(size);
  boot_data(BootData.MODLIST, buffer, size);
  const modules: Array<BootModule> = [];
  for (let at: usize = 0; at < size; at += offsetof<hvm_modlist_entry>()) {
    const entry = changetype<hvm_modlist_entry>(buffer + at);
    modules.push(new BootModule(entry.paddr, entry.size));
  }
  heap.free(buffer);
  return modules;
}
