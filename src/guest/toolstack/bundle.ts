// The files that came as one module: Xen hands a PVH dom0 a single one. The writer is src/host/boot/bundle.ts.
//
//   0      "xenlet\0\1"
//   8      number of files, 64 bits
//   16     for each file its offset and size in bytes, 64 bits each
//   4096   the files, each from the start of a page

import { physical_read } from "xenlet/internal/intrinsics";
import { BootModule, bootModules } from "xenlet/internal/start/start-info";

/* "xenlet\0\1", as a little-endian number. */
const MAGIC: u64 = 0x010074656c6e6578;
const MAX_FILES: u64 = 9;

const header: usize = memory.data(16 + 9 * 16, 8);

/** The guest's image, first, and its modules. Ends the toolstack if there is none, or with what is wrong. */
export function guestFiles(): Array<BootModule> {
  const modules = bootModules();
  if (modules.length < 1) throw new Error("the toolstack was given no image to make a domain of");
  const whole = modules[0];
  if (whole.size < 16) return modules;
  physical_read(header, whole.paddr, 16);
  if (load<u64>(header) != MAGIC) return modules;
  const count = load<u64>(header, 8);
  if (count == 0 || count > MAX_FILES || whole.size < 4096)
    throw new Error("the toolstack's bundle of files is damaged");
  physical_read(header, whole.paddr, 16 + <u32>count * 16);
  const files: Array<BootModule> = [];
  for (let i: u32 = 0; i < <u32>count; i++) {
    const offset = load<u64>(header + i * 16, 16);
    const size = load<u64>(header + i * 16, 24);
    if (offset > whole.size || size > whole.size - offset)
      throw new Error("the toolstack's bundle of files is cut off");
    files.push(new BootModule(whole.paddr + offset, size));
  }
  return files;
}
