// xen/include/public/arch-x86/hvm/start_info.h, Xen 4.17.

export const XEN_HVM_START_MAGIC_VALUE: u32 = 0x336ec578;

export const XEN_HVM_MEMMAP_TYPE_RAM: u32 = 1;
export const XEN_HVM_MEMMAP_TYPE_RESERVED: u32 = 2;
export const XEN_HVM_MEMMAP_TYPE_ACPI: u32 = 3;

@unmanaged
export class hvm_start_info {
  magic: u32;
  version: u32;
  flags: u32;
  nr_modules: u32;
  modlist_paddr: u64;
  cmdline_paddr: u64;
  rsdp_paddr: u64;
  memmap_paddr: u64;
  memmap_entries: u32;
  reserved: u32;
}

@unmanaged
export class hvm_memmap_table_entry {
  addr: u64;
  size: u64;
  type: u32;
  reserved: u32;
}

@unmanaged
export class hvm_modlist_entry {
  paddr: u64;
  size: u64;
  cmdline_paddr: u64;
  reserved: u64;
}
