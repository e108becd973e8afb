/*
 * PVH entry: from Xen's 32-bit hand-over to C in long mode.
 *
 * docs/misc/pvh (Xen 4.17): paging is off, %ebx holds the physical address of hvm_start_info, the
 * segments are flat, interrupts are off, and everything else is unspecified: no stack, no GDT of ours.
 *
 *   pvh_start32   1 build the page tables   2 turn on long mode   3 jump to the high half
 *   start64       4 stack and FPU           5 drop the trampoline mapping   6 boot_main
 *
 * The page tables are in .bss, which whoever loaded the image has zeroed (p_memsz beyond p_filesz).
 */
#include "layout.h"
#include "xen.h"

#define PHYS(symbol) ((symbol) - KERNEL_BASE)

#define PTE_PRESENT 0x001
#define PTE_WRITE 0x002
#define PTE_NX_HIGH 0x80000000 /* bit 63, in the upper half of an entry */

#define CR0_PE 0x00000001
#define CR0_MP 0x00000002
#define CR0_ET 0x00000010
#define CR0_NE 0x00000020
#define CR0_WP 0x00010000
#define CR0_PG 0x80000000
#define CR4_PAE 0x020
#define CR4_OSFXSR 0x200
#define CR4_OSXMMEXCPT 0x400
#define MSR_EFER 0xc0000080
#define EFER_LME 0x100
#define EFER_NXE 0x800
#define MSR_GS_BASE 0xc0000101

/* The note by which Xen and its toolstack find the entry. The owner is "Xen", padded to four bytes. */
    .section .note.Xen, "a", @note
    .balign 4
    .long 4, 4, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long PHYS(pvh_start32)

    .section .text.trampoline, "ax", @progbits
    .code32
    .global pvh_start32
pvh_start32:
    cld
    mov %ebx, PHYS(start_info_paddr)

/* Enter the image's pages [from, to) into kernel_pt with these rights. */
.macro map_image from, to, rights, nx
    mov $PHYS(\from), %eax
    jmp 2f
1:  mov %eax, %ecx
    shr $(PAGE_SHIFT - 3), %ecx
    lea \rights(%eax), %edx
    mov %edx, PHYS(kernel_pt)(%ecx)
    movl $\nx, PHYS(kernel_pt) + 4(%ecx)
    add $PAGE_SIZE, %eax
2:  cmp $PHYS(\to), %eax
    jb 1b
.endm
    map_image text_start, text_end, PTE_PRESENT, 0
    map_image rodata_start, rodata_end, PTE_PRESENT, PTE_NX_HIGH
    map_image data_start, data_end, PTE_PRESENT | PTE_WRITE, PTE_NX_HIGH


    /* The high half: pml4[511] -> kernel_pdpt[510] -> kernel_pd[0...] -> kernel_pt. */
    movl $PHYS(kernel_pdpt) + (PTE_PRESENT | PTE_WRITE), PHYS(pml4) + 511 * 8
    movl $PHYS(kernel_pd) + (PTE_PRESENT | PTE_WRITE), PHYS(kernel_pdpt) + 510 * 8
    mov $PHYS(kernel_pt) + (PTE_PRESENT | PTE_WRITE), %eax
    mov $PHYS(kernel_pd), %ecx
1:  mov %eax, (%ecx)
    add $PAGE_SIZE, %eax
    add $8, %ecx
    cmp $PHYS(kernel_pt) + KERNEL_PT_PAGES * PAGE_SIZE, %eax
    jb 1b

    /* The low half, later linear memory's: for now this one page, at its physical address. */
    movl $PHYS(linear_pdpt) + (PTE_PRESENT | PTE_WRITE), PHYS(pml4)
    movl $PHYS(linear_pd) + (PTE_PRESENT | PTE_WRITE), PHYS(linear_pdpt)
    movl $PHYS(linear_first_pt) + (PTE_PRESENT | PTE_WRITE), PHYS(linear_pd)
    mov $PHYS(pvh_start32), %eax
    mov %eax, %ecx
    shr $(PAGE_SHIFT - 3), %ecx
    or $PTE_PRESENT, %eax
    mov %eax, PHYS(linear_first_pt)(%ecx)

    /* NXE before the first table that has the bit set is used; WP, so that read-only holds for us too. */
    mov $(CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT), %eax
    mov %eax, %cr4
    mov $PHYS(pml4), %eax
    mov %eax, %cr3
    mov $MSR_EFER, %ecx
    xor %edx, %edx
    mov $(EFER_LME | EFER_NXE), %eax
    wrmsr
    mov $(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE), %eax
    lgdt PHYS(gdt_trampoline_pointer)
    mov %eax, %cr0
    ljmp $SEL_CODE64, $PHYS(long_mode)

/* In this page, since the far jump reads its descriptor when only this page is mapped; "accessed" is set
 * already, so that the CPU does not try to write it. */
    .balign 8
gdt_trampoline:
    .quad 0
    .quad 0x00af9b000000ffff /* SEL_CODE64 */
gdt_trampoline_pointer:
    .word . - gdt_trampoline - 1
    .long PHYS(gdt_trampoline)

    .code64
long_mode:
    mov $start64, %rax
    jmp *%rax

    .section .text.trampoline, "ax", @progbits
    .global start64
start64:
    lgdt gdt_pointer
    mov $SEL_DATA, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    mov $stack_end, %rsp
    xor %ebp, %ebp

    mov $MSR_GS_BASE, %ecx
    mov $vcpus, %rax
    mov %rax, %rdx
    shr $32, %rdx
    wrmsr

    /* gcc moves structures through %xmm even in integer code, so the FPU comes before any C. */
    fninit
    ldmxcsr mxcsr_default

    /* Nothing executable is mapped writable from here on, and the trampoline not at all. */
    movq $0, linear_first_pt + ((TRAMPOLINE_PHYS >> PAGE_SHIFT) * 8)
    mov %cr3, %rax
    mov %rax, %cr3

    call boot_main
    ud2

    .section .rodata.start, "a", @progbits
    .balign 8
mxcsr_default:
    .long 0x1f80 /* all exceptions masked, round to nearest: the default that Wasm assumes */
gdt_pointer:
    .word gdt_end - gdt - 1
    .quad gdt

/* Writable: ltr sets the busy bit in the TSS descriptor, whose base traps_init() fills in. */
    .section .data.gdt, "aw", @progbits
    .balign 8
    .global gdt
gdt:
    .quad 0
    .quad 0x00af9b000000ffff /* SEL_CODE64: long mode, present, accessed */
    .quad 0x00cf93000000ffff /* SEL_DATA: flat */
    .quad 0x0000890000000067 /* SEL_TSS: limit 0x67, available 64-bit TSS */
    .quad 0
gdt_end:

/* Page-aligned by the link script, here and in .bss.stacks: an alignment of the section's own would make
 * the linker align the segment in the file as well. */
    .section .bss.tables, "aw", @nobits
    .global pml4, kernel_pdpt, kernel_pd, kernel_pt, linear_pdpt, linear_pd, linear_first_pt, linear_tail_pt, shared_pt
pml4:            .skip PAGE_SIZE
kernel_pdpt:     .skip PAGE_SIZE
kernel_pd:       .skip PAGE_SIZE
kernel_pt:       .skip PAGE_SIZE * KERNEL_PT_PAGES
linear_pdpt:     .skip PAGE_SIZE
linear_pd:       .skip PAGE_SIZE * 4 /* 4 GiB: all that a Wasm pointer can name */
linear_first_pt: .skip PAGE_SIZE
linear_tail_pt:  .skip PAGE_SIZE
shared_pt:       .skip PAGE_SIZE

/* Each stack lies above a page that linear_init() takes out of the page tables. */
    .section .bss.stacks, "aw", @nobits
    .global stack_guard, stack_end, fault_stacks
stack_guard:
    .skip PAGE_SIZE
stack:
    .skip STACK_SIZE
stack_end:
fault_stacks:
    .rept 4 /* one for each IST slot: guard, stack */
    .skip PAGE_SIZE
    .skip FAULT_STACK_SIZE
    .endr

    .section .bss.start, "aw", @nobits
    .balign 8
    .global start_info_paddr
start_info_paddr:
    .skip 8

    .section .note.GNU-stack, "", @progbits
