// The multiboot2 header (specification 2.0, 3.1), by which Linux's kexec takes an ELF64 file that is no Linux.

import type { Elf } from "./elf.js";

const MAGIC = 0xe85250d6;
const ARCHITECTURE_I386 = 0;
const SEARCHED = 32768;
const ALIGNMENT = 8;
/** Magic, architecture, length, checksum. */
const FIELDS = 16;
const END_TAG = 8;

/** Where the header is in the file; null if no loader would find one: none, or one whose fields do not add up to 0. */
export function multiboot2Header({ bytes }: Elf): number | null {
  const end = Math.min(bytes.size, SEARCHED);
  for (let at = 0; at + FIELDS + END_TAG <= end; at += ALIGNMENT) {
    if (bytes.u32(at) !== MAGIC) continue;
    const [architecture, length, checksum] = [
      bytes.u32(at + 4),
      bytes.u32(at + 8),
      bytes.u32(at + 12),
    ];
    const sum = (MAGIC + architecture + length + checksum) >>> 0;
    if (sum === 0 && architecture === ARCHITECTURE_I386 && at + length <= end) return at;
  }
  return null;
}
