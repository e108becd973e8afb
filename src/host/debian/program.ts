// A program of unpacked packages, run where it lies, without being installed.

import { join } from "node:path";

const LIB = "lib/x86_64-linux-gnu";
const LIBRARY_PATHS = [LIB, `usr/${LIB}`];
const LOADER = `${LIB}/ld-linux-x86-64.so.2`;

/** How to call a program: `command`, then `args`, then its own arguments. */
export interface Program {
  command: string;
  args: string[];
}

/** The dynamic loader and the libraries of a package's closure: what any program of it needs. By path relative to the tree. */
export const LIBRARIES = /^(?:usr\/)?lib\/x86_64-linux-gnu\/[^/]+\.so[^/]*$/;

/**
 * The program at `path` of an unpacked tree, under the tree's own loader and libraries: it does not matter which libc the
 * host has, and no library of the host is loaded by accident.
 */
export function programIn(tree: string, path: string): Program {
  return {
    command: join(tree, LOADER),
    args: [
      "--inhibit-cache",
      ...["--argv0", path.slice(path.lastIndexOf("/") + 1)],
      ...["--library-path", LIBRARY_PATHS.map((folder) => join(tree, folder)).join(":")],
      join(tree, path),
    ],
  };
}
