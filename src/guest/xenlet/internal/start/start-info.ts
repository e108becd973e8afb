// What the loader handed over: boot/start_info.c checked it and keeps a copy.

import { boot_data } from "../intrinsics";
import { hvm_modlist_entry } from "../../raw/abi/start_info";
import { PhysicalBytes } from "../memory/physical";

/** What boot code knows about the guest's start, by the numbers of enum boot_data (boot/boot.h). */
export enum BootData {
  START_INFO = 0,
  CMDLINE = 1,
  MEMMAP = 2,
  MODLIST = 3,
  RUN_BLOCK = 4,
  ARGUMENTS = 5,
  VARIABLES = 6,
}

/** What boot code has of that, copied. */
export function bootData(what: BootData): StaticArray<u8> {
  const bytes = new StaticArray<u8>(<i32>boot_data(what, 0, 0));
  boot_data(what, changetype<usize>(bytes), bytes.length);
  return bytes;
}

/** ARGUMENTS or VARIABLES, one string each. What is no UTF-8 in them is decoded as AssemblyScript does. */
export function bootStrings(what: BootData): string[] {
  const bytes = bootData(what);
  const all: string[] = [];
  let begin = 0;
  for (let at = 0; at < bytes.length; at++) {
    if (unchecked(bytes[at]) != 0) continue;
    all.push(String.UTF8.decodeUnsafe(changetype<usize>(bytes) + begin, at - begin));
    begin = at + 1;
  }
  return all;
}

/** Xen's command line for this domain as it is, without the name of the image. At most 2047 bytes of it. */
export function commandLine(): string {
  const bytes = bootData(BootData.CMDLINE);
  return String.UTF8.decodeUnsafe(changetype<usize>(bytes), bytes.length);
}

/** The value of `key=value` on the command line; `otherwise` if it is not there. */
export function commandLineValue(key: string, otherwise: string = ""): string {
  return wordValue(commandLine(), key, otherwise);
}

/** The value of the first word `key=value` of a text; `otherwise` if it is not there. */
export function wordValue(text: string, key: string, otherwise: string): string {
  const words = text.split(" ");
  const prefix = key + "=";
  for (let i = 0; i < words.length; i++) {
    if (words[i].startsWith(prefix)) return words[i].substring(prefix.length);
  }
  return otherwise;
}

/**
 * The value of a word that the harness, or the kernel before, has put in front of the user's own, where there was no run
 * block to put it into; `otherwise` if it is not there (boot/run_block.c has the same words).
 */
export function harnessValue(key: string, otherwise: string = ""): string {
  const words = commandLine().split(" ");
  for (let i = 0; i < words.length; i++) {
    const equals = words[i].indexOf("=");
    const name = equals < 0 ? "" : words[i].substring(0, equals);
    if (name == key) return words[i].substring(equals + 1);
    if (name != "nonce" && name != "on" && name != "seq" && name != "crash") break;
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
