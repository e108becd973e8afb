// Where an image's first instruction is: for tests and measurements that put another one there.

import { parseElf } from "../../src/host/elf/elf.js";
import { validatePvhImage } from "../../src/host/elf/pvh.js";

/** Where Xen enters the image, as an offset in the file: the note has it as a physical address in the first segment. */
export function entryOffset(image: Uint8Array): number {
  const { entry, segments } = validatePvhImage(parseElf(image));
  const [first] = segments;
  if (first === undefined) throw new Error("the image has no segment");
  return first.offset + entry - Number(first.paddr);
}
