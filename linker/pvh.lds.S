/*
 * The image: four loadable segments and a note. (Preprocessed: the constants are boot/layout.h's.)
 *
 * Each segment has one set of rights, none both writable and executable, and starts on its own page, so
 * that start.S can give every page its segment's rights. In the file they are packed: Xen and its
 * toolstack copy p_filesz bytes to p_paddr and do not ask for page alignment of p_offset.
 */
#include "layout.h"

/* Page 0 is there, or a null dereference faults: a choice of the build. */
#ifdef XENLET_PAGE_ZERO
#define LINEAR_START 0
#else
#define LINEAR_START PAGE_SIZE
#endif

OUTPUT_FORMAT("elf64-x86-64")
ENTRY(multiboot2_entry_phys)

PHDRS
{
    text PT_LOAD FLAGS(5);
    rodata PT_LOAD FLAGS(4);
    data PT_LOAD FLAGS(6);
    linear PT_LOAD FLAGS(6);
    note PT_NOTE FLAGS(4);
    stack PT_GNU_STACK FLAGS(6);
}

SECTIONS
{
    . = KERNEL_BASE + IMAGE_PHYS;
    text_start = .;
    .text : AT(ADDR(.text) - KERNEL_BASE) {
        *(.text.trampoline)
        *(.text.unlikely .text.unlikely.*)
        *(.text .text.*)
    } :text
    . = ALIGN(PAGE_SIZE);
    .hypercall_page : AT(ADDR(.hypercall_page) - KERNEL_BASE) {
        *(.hypercall_page) /* a whole page, of which nothing is in the file; or nothing in direct mode */
    } :text
    . = ALIGN(PAGE_SIZE);
    text_end = .;

    rodata_start = .;
    .note.Xen : AT(ADDR(.note.Xen) - KERNEL_BASE) { KEEP(*(.note.Xen)) } :rodata :note
    .rodata : AT(ADDR(.rodata) - KERNEL_BASE) { *(.rodata .rodata.*) } :rodata
    . = ALIGN(PAGE_SIZE);
    rodata_end = .;

    data_start = .;
    .data : AT(ADDR(.data) - KERNEL_BASE) { *(.data .data.*) } :data
    .bss : AT(ADDR(.bss) - KERNEL_BASE) {
        *(.bss .bss.* COMMON)
    } :data
    . = ALIGN(PAGE_SIZE);
    .pages : AT(ADDR(.pages) - KERNEL_BASE) {
        *(.pages.tables)
        *(.pages.stacks)
        scratch_page = .;
        . += 3 * PAGE_SIZE;
        data_end = .; /* mapped up to here */
        *(.pages.stack)
    } :data
    image_end = .;

    /* Of this nothing is in the file, unless a run was given something (run_block.h). */
    run_block_start = .;
    run_block_end = . + RUN_BLOCK_ROOM;

    /* Linear memory's frames start where a 2 MiB page can map them. */
    linear_phys = ALIGN(run_block_end - KERNEL_BASE, SUPERPAGE_SIZE);

    .linear LINEAR_START : AT(linear_phys + LINEAR_START) { KEEP(*(.linear)) } :linear
    .linear_zero : AT(linear_phys + ADDR(.linear_zero)) { KEEP(*(.linear.zero)) } :linear

    /* PVH's entry is in the note. */
    multiboot2_entry_phys = multiboot2_start32 - KERNEL_BASE;

    ASSERT(pvh_start32 == KERNEL_BASE + TRAMPOLINE_PHYS, "start.S expects the trampoline at TRAMPOLINE_PHYS")
    ASSERT(start64 - pvh_start32 < PAGE_SIZE, "the trampoline must fit its page")
    ASSERT(pml4 % PAGE_SIZE == 0 && stack_guard % PAGE_SIZE == 0, "page tables and guards are whole pages")
    ASSERT(run_block_end - KERNEL_BASE <= KERNEL_PT_PAGES * SUPERPAGE_SIZE, "the image is larger than KERNEL_PT_PAGES tables can map")

    /DISCARD/ : { *(.comment) *(.eh_frame) *(.note.gnu.*) *(.gnu.*) }
}
