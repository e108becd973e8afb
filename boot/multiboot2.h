/*
 * Multiboot2 (specification 2.0): the protocol by which kexec, from Linux, enters an ELF64 file that is no Linux. What
 * it hands over becomes a start_info before anything else sees it.
 */
#ifndef XENLET_MULTIBOOT2_H
#define XENLET_MULTIBOOT2_H

/* 3.1.1: the image's header */
#define MULTIBOOT2_HEADER_MAGIC 0xe85250d6
#define MULTIBOOT2_ARCHITECTURE_I386 0
#define MULTIBOOT2_HEADER_SIZE 24

/* 3.3: %eax at the entry */
#define MULTIBOOT2_BOOTLOADER_MAGIC 0x36d76289

/* 3.6: types of what is at %ebx */
#define MULTIBOOT2_TAG_END 0
#define MULTIBOOT2_TAG_CMDLINE 1
#define MULTIBOOT2_TAG_MMAP 6

#ifndef __ASSEMBLER__
#include "boot.h"

/* start.S */
extern uint32_t multiboot2_magic;

/* 3.6: each begins at a multiple of 8. */
struct multiboot2_tag {
    uint32_t type, size;
};
_Static_assert(sizeof(struct hvm_memmap_table_entry) == 24, "an entry of tag 6: base, length, type, reserved");

/* Of tag 6: the size of an entry, and a version, come before the entries. */
#define MMAP_ENTRIES 16

/*
 * The information at physical address `paddr` as a start_info, zero before, which then points into it: a command line, and
 * a memory map, whose entries are those of a start_info (3.6.8). No RSDP: kexec tells of none.
 */
static inline void multiboot2_read(uint64_t paddr, struct hvm_start_info *start_info)
{
    const struct multiboot2_tag *tag;

    start_info->version = 1;
    /* 3.6.1: before the tags are their size and a reserved word. A tag without a size would have no end. */
    for (paddr += sizeof(*tag); tag = physical_peek(paddr), tag->type != MULTIBOOT2_TAG_END && tag->size;
         paddr += (tag->size + 7) & -8u) {
        if (tag->type == MULTIBOOT2_TAG_CMDLINE)
            start_info->cmdline_paddr = paddr + sizeof(*tag);
        if (tag->type == MULTIBOOT2_TAG_MMAP) {
            start_info->memmap_paddr = paddr + MMAP_ENTRIES;
            start_info->memmap_entries = (tag->size - MMAP_ENTRIES) / sizeof(struct hvm_memmap_table_entry);
        }
    }
}
#endif
#endif
