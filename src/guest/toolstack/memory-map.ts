// Where a PVH domain has what, as libxl lays it out (tools/libs/light/libxl_x86.c, tools/libs/guest, 4.17), so that
// a guest sees the same under either toolstack. Addresses in bytes, frames as gfns.

import {
  XEN_HVM_MEMMAP_TYPE_ACPI,
  XEN_HVM_MEMMAP_TYPE_RAM,
  XEN_HVM_MEMMAP_TYPE_RESERVED,
} from "xenlet/raw/abi/start_info";

/** RAM below 4 GiB ends here at the latest; the rest continues at 4 GiB. */
export const LOW_RAM_END: u64 = 0xf0000000;
export const HIGH_RAM: u64 = 0x100000000;

/** Special pages: the last one is the console's ring, the fourth last the store's. */
export const SPECIAL_PAGES: u32 = 8;
/** Where libxl's special pages are, too. */
export const SPECIAL_GFN: u64 = 0xfeff8;
/** The store's ring. */
export const STORE_GFN: u64 = SPECIAL_GFN + 4;
/** HVM_PARAM_IDENT_PT's page. */
export const IDENT_PT_GFN: u64 = SPECIAL_GFN + 6;
/** The console's ring. */
export const CONSOLE_GFN: u64 = SPECIAL_GFN + 7;

/** The ACPI tables, RSDP first. */
export const ACPI_BASE: u64 = 0xfc000000;
/** Pages of ACPI tables from ACPI_BASE on. */
export const ACPI_PAGES: u32 = 1;

export const MEMMAP_ENTRIES: u32 = 4;

function entry(at: usize, addr: u64, size: u64, type: u32): void {
  store<u64>(at, addr);
  store<u64>(at + 8, size);
  store<u32>(at + 16, type);
}

/**
 * Writes the map of a domain with `bytes` of RAM to `at`, where zeroes are; returns how many entries, at most
 * MEMMAP_ENTRIES. `stride` is an entry's size: start_info's hvm_memmap_table_entry and XENMEM_set_memory_map's e820entry
 * begin with the same fields, and their types are the same numbers.
 */
export function writeMemoryMap(at: usize, bytes: u64, stride: u32): u32 {
  entry(at, 0, min(bytes, LOW_RAM_END), XEN_HVM_MEMMAP_TYPE_RAM);
  entry(at + stride, ACPI_BASE, (<u64>ACPI_PAGES) << 12, XEN_HVM_MEMMAP_TYPE_ACPI);
  entry(at + 2 * stride, SPECIAL_GFN << 12, (<u64>SPECIAL_PAGES) << 12, XEN_HVM_MEMMAP_TYPE_RESERVED);
  if (bytes <= LOW_RAM_END) return 3;
  entry(at + 3 * stride, HIGH_RAM, bytes - LOW_RAM_END, XEN_HVM_MEMMAP_TYPE_RAM);
  return 4;
}
