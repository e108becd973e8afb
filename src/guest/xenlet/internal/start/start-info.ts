// What the loader handed over: boot/start_info.c checked it and keeps a copy.

import { boot_data } from "../intrinsics";
import { hvm_modlist_entry } from "../../raw/abi/start_info";
import { PhysicalBytes } from "../memory/physical";

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

/** A file that the loader put into memory beside the image. Boot code may have moved it, out of linear memory's way. */
export { PhysicalBytes as BootModule };

/** What the loader brought along, in its order. */
export function bootModules(): Array<PhysicalBytes> {
  const size = boot_data(BootData.MODLIST, 0, 0);
  const buffer = heap.alloc(size);
  boot_data(BootData.MODLIST, buffer, size);
  const modules: Array<PhysicalBytes> = [];
  for (let at: usize = 0; at < size; at += offsetof<hvm_modlist_entry>()) {
    const entry = changetype<hvm_modlist_entry>(buffer + at);
    modules.push(new PhysicalBytes(entry.paddr, entry.size));
  }
  heap.free(buffer);
  return modules;
}
