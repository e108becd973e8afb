// What comes with each boot of a dom0: its settings, what it is to do, and files for that, in an archive of their own
// behind the dom0's. Linux unpacks one after the other.

import { copyFile, appendFile, readFile } from "node:fs/promises";
import { constants } from "node:fs";
import path from "node:path";

import { packageRoot } from "../base/package-root.js";
import { temporaryFolder } from "../cache/temporary.js";
import { writeCpio, type CpioEntry } from "./cpio.js";

/** Which of Debian's xenstore daemons a dom0 has: in OCaml, which is what is started where it is there, or in C. */
export type StoreDaemon = "oxenstored" | "xenstored";

export interface BootFiles {
  nonce: string;
  store: StoreDaemon;
  /** The shell script that xl/dom0/init runs once the daemons are there; it never ends. */
  main: Uint8Array;
  /** More files, by their names in /run/xenlet: contents, or the path of a file here. */
  files: Record<string, Uint8Array | string>;
}

/** Where they are in dom0. */
export const RUN_FOLDER = "run/xenlet";

/** A program of dom0/. */
export function dom0Program(name: string): Promise<Buffer> {
  return readFile(path.join(packageRoot, "xl", "dom0", name));
}

export interface Initrd {
  path: string;
  dispose: () => Promise<void>;
}

/** The dom0's initramfs followed by these files, in a folder for temporary files; `dispose` removes it. */
export async function writeInitrd(initramfs: string, boot: BootFiles): Promise<Initrd> {
  const settings = `NONCE=${boot.nonce}\nSTORE=${boot.store}\n`;
  const files: Record<string, Uint8Array | string> = {
    settings: Buffer.from(settings),
    main: boot.main,
    ...boot.files,
  };
  const entries: CpioEntry[] = [];
  for (const [name, contents] of Object.entries(files)) {
    const data = typeof contents === "string" ? await readFile(contents) : contents;
    entries.push({ type: "file", path: `${RUN_FOLDER}/${name}`, data });
  }
  const { path: folder, dispose } = await temporaryFolder("dom0");
  const initrd = path.join(folder, "initrd");
  try {
    // A copy-on-write one where the file system has it.
    await copyFile(initramfs, initrd, constants.COPYFILE_FICLONE);
    await appendFile(initrd, writeCpio(entries));
  } catch (error) {
    await dispose();
    throw error;
  }
  return { path: initrd, dispose };
}
