// xen/include/public/arch-x86/hvm/start_info.h, Xen 4.17.

@unmanaged
export class hvm_modlist_entry {
  paddr: u64;
  size: u64;
  cmdline_paddr: u64;
  reserved: u64;
}
