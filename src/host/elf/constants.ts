/**
 * Numbers of the ELF format, as in the System V gABI and its x86 supplements,
 * and of Xen's notes (xen/include/public/elfnote.h, 4.17; 19 is from 4.19).
 */
export const ELF_MAGIC = 0x7f454c46; // "\x7fELF", read big endian
export const ELFCLASS32 = 1;
export const ELFCLASS64 = 2;
export const ELFDATA2LSB = 1;
export const EV_CURRENT = 1;

export const ET_EXEC = 2;
export const ET_DYN = 3;
export const FILE_TYPES: Readonly<Record<number, string>> = {
  1: "relocatable object",
  2: "executable",
  3: "shared object",
  4: "core dump",
};

export const EM_386 = 3;
export const EM_X86_64 = 62;

export const PT_LOAD = 1;
export const PT_NOTE = 4;
/** e_phnum that says "the number stands elsewhere". */
export const PN_XNUM = 0xffff;
export const SEGMENT_TYPES: Readonly<Record<number, string>> = {
  0: "NULL",
  1: "LOAD",
  2: "DYNAMIC",
  3: "INTERP",
  4: "NOTE",
  6: "PHDR",
  7: "TLS",
  0x6474e550: "GNU_EH_FRAME",
  0x6474e551: "GNU_STACK",
  0x6474e552: "GNU_RELRO",
  0x6474e553: "GNU_PROPERTY",
};

export const PF_X = 1;
export const PF_W = 2;
export const PF_R = 4;

export const SHT_NULL = 0;
export const SHT_SYMTAB = 2;
export const SHT_STRTAB = 3;
export const SHT_NOTE = 7;
export const SHT_NOBITS = 8;
export const SHF_ALLOC = 2;

export const STT_OBJECT = 1;
export const STT_FUNC = 2;
export const STT_SECTION = 3;
export const STT_FILE = 4;
export const SHN_UNDEF = 0;

export const XEN_NOTE_OWNER = "Xen";
/** The same with its NUL, as a little-endian word. */
export const XEN_NOTE_OWNER_WORD = 0x006e6558;
export const XEN_ELFNOTE_VIRT_BASE = 3;
export const XEN_ELFNOTE_PADDR_OFFSET = 4;
export const XEN_ELFNOTE_FEATURES = 10;
export const XEN_ELFNOTE_INIT_P2M = 15;
export const XEN_ELFNOTE_PHYS32_ENTRY = 18;
/** What a note's payload is: a number of 4 or 8 bytes, a string, or neither. */
export type NoteFormat = "number" | "string" | "bytes";
export const XEN_NOTES: Readonly<Record<number, { name: string; format: NoteFormat }>> = {
  0: { name: "INFO", format: "string" },
  1: { name: "ENTRY", format: "number" },
  2: { name: "HYPERCALL_PAGE", format: "number" },
  3: { name: "VIRT_BASE", format: "number" },
  4: { name: "PADDR_OFFSET", format: "number" },
  5: { name: "XEN_VERSION", format: "string" },
  6: { name: "GUEST_OS", format: "string" },
  7: { name: "GUEST_VERSION", format: "string" },
  8: { name: "LOADER", format: "string" },
  9: { name: "PAE_MODE", format: "string" },
  10: { name: "FEATURES", format: "string" },
  11: { name: "BSD_SYMTAB", format: "number" },
  12: { name: "HV_START_LOW", format: "number" },
  13: { name: "L1_MFN_VALID", format: "bytes" },
  14: { name: "SUSPEND_CANCEL", format: "number" },
  15: { name: "INIT_P2M", format: "number" },
  16: { name: "MOD_START_PFN", format: "number" },
  17: { name: "SUPPORTED_FEATURES", format: "number" },
  18: { name: "PHYS32_ENTRY", format: "number" },
  19: { name: "PHYS32_RELOC", format: "bytes" },
};
