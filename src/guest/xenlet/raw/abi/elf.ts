// The ELF format (System V gABI and its i386 and x86-64 supplements), and of xen/include/public/elfnote.h, Xen 4.17,
// what a PVH image needs.

/** e_ident's first four bytes, as a little-endian word. */
export const ELF_MAGIC: u32 = 0x464c457f;
export const ELFCLASS32: u32 = 1;
export const ELFCLASS64: u32 = 2;
export const ELFDATA2LSB: u32 = 1;
export const ET_EXEC: u32 = 2;
export const ET_DYN: u32 = 3;
export const EM_386: u32 = 3;
export const EM_X86_64: u32 = 62;
export const PT_LOAD: u32 = 1;
export const PT_NOTE: u32 = 4;
export const SHT_NOTE: u32 = 7;

export const EHDR32_SIZE: u64 = 52;
export const EHDR64_SIZE: u64 = 64;
export const PHDR32_SIZE: u32 = 32;
export const PHDR64_SIZE: u32 = 56;
/** A note's namesz, descsz and type; the name follows, then the description, each padded to 4 bytes. */
export const NHDR_SIZE: u64 = 12;

/** A note's owner, "Xen" with its NUL, as a little-endian word. */
export const XEN_NOTE_OWNER: u32 = 0x006e6558;
export const XEN_ELFNOTE_FEATURES: u32 = 10;
export const XEN_ELFNOTE_INIT_P2M: u32 = 15;
export const XEN_ELFNOTE_PHYS32_ENTRY: u32 = 18;
/** No such note: xen/include/xen/libelf.h. */
export const UNSET_ADDR: u64 = 0xffffffffffffffff;
export const UNSET_ADDR32: u32 = 0xffffffff;
