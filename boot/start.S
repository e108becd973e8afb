/*
 * PVH entry: from Xen's 32-bit hand-over to C in long mode.
 *
 * docs/misc/pvh (Xen 4.17): paging is off, %ebx holds the physical address of hvm_start_info, the
 * segments are flat, interrupts are off, and everything else is unspecified: no stack, no known GDT.
 *
 *   pvh_start32   1 build the page tables   2 turn on long mode   3 jump to the high half
 *   start64       4 leave the tables of the way in   5 stack, %gs, FPU   6 boot_main
 *
 * The page tables are in .bss, which the image's loader has zeroed (p_memsz beyond p_filesz).
 */
#include "layout.h"
#include "multiboot2.h"
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

/* Where the image's loader may put what this run is given, and how much of that there is: none here, but a tool that
 * has the file can add some to it (run_block.h). */
    .long 7, RUN_NOTE_SIZE, XENLET_ELFNOTE_RUN
    .asciz "xenlet"
    .balign 4
    .global run_note
run_note:
    .quad PHYS(run_block_start)
    .long RUN_BLOCK_ROOM, 0

    .section .text.trampoline, "ax", @progbits
    .code32
    .global pvh_start32, multiboot2_start32
pvh_start32:
    cld
    mov %ebx, PHYS(start_info_paddr)

    /*
     * The leaf signed XenVMMXenVMM (cpuid.h), and what hypercall.c wants to know besides. Here and not there, because each
     * CPUID is an exit: where the CPU does not tell it the instruction's length, Xen reads the instruction, and with paging
     * on it walks our page tables for that.
     */
    mov $XEN_CPUID_FIRST_LEAF, %esi
1:  mov %esi, %eax
    cpuid
    lea 2(%esi), %edi
    cmp $0x566e6558, %ebx
    jne 2f
    cmp $0x65584d4d, %ecx
    jne 2f
    cmp $0x4d4d566e, %edx
    jne 2f
    cmp %edi, %eax /* the last leaf of its range */
    jae 3f
2:  add $XEN_CPUID_LEAF_STEP, %esi
    cmp $XEN_CPUID_LAST_LEAF, %esi
    jb 1b
    jmp 4f
3:  mov %esi, PHYS(xen_cpuid_base)
#ifdef XENLET_HYPERCALL_DIRECT
    xor %eax, %eax
#else
    mov %edi, %eax
#endif
    cpuid
    mov %ebx, PHYS(cpuid_words)
    mov %ecx, PHYS(cpuid_words) + 4
    mov %edx, PHYS(cpuid_words) + 8
4:
#ifndef XENLET_HYPERCALL_DIRECT
    mov $PHYS(hypercall_page), %edi
    mov $0xcccccccc, %eax /* int3 */
    mov $PAGE_SIZE / 4, %ecx
    rep stosl
#endif

/* Enter the image's pages [from, to) into kernel_pt with these rights. */
.macro map_image from, to, rights, nx
    mov $PHYS(\from), %eax
    mov %eax, %ecx
    shr $(PAGE_SHIFT - 3), %ecx
    jmp 2f
1:  lea \rights(%eax), %edx
    mov %edx, PHYS(kernel_pt)(%ecx)
    movl $\nx, PHYS(kernel_pt) + 4(%ecx)
    add $PAGE_SIZE, %eax
    add $8, %ecx
2:  cmp $PHYS(\to), %eax
    jb 1b
.endm
    map_image text_start, text_end, PTE_PRESENT, 0
    map_image rodata_start, rodata_end, PTE_PRESENT, PTE_NX_HIGH
    map_image data_start, data_end, PTE_PRESENT | PTE_WRITE, PTE_NX_HIGH
    map_image (stack_end-STACK_MAPPED_FIRST), stack_end, PTE_PRESENT | PTE_WRITE, PTE_NX_HIGH
    map_image run_block_start, run_block_end, PTE_PRESENT, PTE_NX_HIGH

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

    /* The low half: linear memory's, empty until linear_init(). */
    movl $PHYS(linear_pdpt) + (PTE_PRESENT | PTE_WRITE), PHYS(pml4)

    /* The tables of the way in: the same high half, and in the low half only this page, at its physical
     * address. Nothing else runs on them, so this page is executable there only while it is entered. */
    movl $PHYS(kernel_pdpt) + (PTE_PRESENT | PTE_WRITE), PHYS(transition_pml4) + 511 * 8
    movl $PHYS(transition_pdpt) + (PTE_PRESENT | PTE_WRITE), PHYS(transition_pml4)
    movl $PHYS(transition_pd) + (PTE_PRESENT | PTE_WRITE), PHYS(transition_pdpt)
    movl $PHYS(transition_pt) + (PTE_PRESENT | PTE_WRITE), PHYS(transition_pd)
    movl $TRAMPOLINE_PHYS + PTE_PRESENT, PHYS(transition_pt) + (TRAMPOLINE_PHYS >> (PAGE_SHIFT - 3))

enter_long_mode:
    /* NXE before the first table that has the bit set is used; WP, so that read-only holds for us too. */
    mov $(CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT), %eax
    mov %eax, %cr4
    mov $PHYS(transition_pml4), %eax
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
/* e_entry, which is for loaders that do not read Xen's note: Linux's kexec, by the header below. From there on it is the
 * same but for what is at %ebx. */
multiboot2_start32:
    mov %eax, PHYS(multiboot2_magic)
    jmp pvh_start32

/* Multiboot2 specification 2.0, 3.1: within the file's first 32 KiB, at a multiple of 8. No requests: the only tag ends them. */
    .balign 8
multiboot2_header:
    .long MULTIBOOT2_HEADER_MAGIC, MULTIBOOT2_ARCHITECTURE_I386, MULTIBOOT2_HEADER_SIZE
    .long -(MULTIBOOT2_HEADER_MAGIC + MULTIBOOT2_ARCHITECTURE_I386 + MULTIBOOT2_HEADER_SIZE)
    .long 0, 8

gdt_trampoline:
    .quad 0
    .quad 0x00af9b000000ffff /* SEL_CODE64 */
gdt_trampoline_pointer:
    .word . - gdt_trampoline - 1
    .long PHYS(gdt_trampoline)

/* Where a secondary vCPU started by INIT-SIPI continues after ap_start16. */
ap_start32:
    mov $SEL_DATA, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    jmp enter_long_mode

    .code64
long_mode:
    mov $start64, %rax
    jmp *%rax

/* Every vCPU's way into C, one at a time: Xen enters here directly after VCPUOP_initialise. */
    .global start64
start64:
    mov $PHYS(pml4), %rax
    mov %rax, %cr3
    lgdt gdt_pointer
    mov $SEL_DATA, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
    mov starting_stack, %rsp
    xor %ebp, %ebp

    /* After VCPUOP_initialise %cs is long mode by its hidden part only: its selector is null, which no iretq takes. */
    push $SEL_CODE64
    push $1f
    lretq
1:

    mov $MSR_GS_BASE, %ecx
    mov starting_vcpu, %rax
    mov %rax, %rdx
    shr $32, %rdx
    wrmsr

    /* gcc moves structures through %xmm even in integer code, so the FPU comes before any C. */
    fninit
    ldmxcsr mxcsr_default
    .cfi_sections .debug_frame
    .cfi_startproc
    .cfi_undefined rip /* gdb's backtraces end here */
    call *starting_entry
    ud2
    .cfi_endproc

/* Who enters start64 next, on which stack, and where it goes. boot/vcpu.c writes it for the secondary ones. */
    .section .data.start, "aw", @progbits
    .balign 8
    .global starting_vcpu, starting_stack, starting_entry
starting_vcpu:
    .quad vcpus
starting_stack:
    .quad stack_end
starting_entry:
    .quad boot_main

    .section .rodata.start, "a", @progbits
    .balign 8
mxcsr_default:
    .long 0x1f80 /* all exceptions masked, round to nearest: the default that Wasm assumes */
gdt_pointer:
    .word gdt_end - gdt - 1
    .quad gdt
/* Until traps_init() loads one of the vCPU's own, with a TSS. "Accessed" is set in each: this is read-only. */
    .balign 8
gdt:
    .quad 0
    .quad 0x00af9b000000ffff /* SEL_CODE64: long mode */
    .quad 0x00cf93000000ffff /* SEL_DATA: flat */
gdt_end:

/*
 * Where INIT-SIPI enters: real mode, %cs:0 at the start of the page that the SIPI names. Copied there, to
 * AP_START_PHYS, by boot/vcpu.c.
 */
    .code16
    .global ap_start16, ap_start16_end
ap_start16:
    cli
    mov %cs, %ax
    mov %ax, %ds
    lgdtl ap_gdt_pointer - ap_start16
    mov $(CR0_PE | CR0_ET), %eax
    mov %eax, %cr0
    ljmpl $8, $PHYS(ap_start32)
    .balign 8
ap_gdt:
    .quad 0
    .quad 0x00cf9b000000ffff /* 32-bit code, flat */
    .quad 0x00cf93000000ffff /* SEL_DATA: flat */
ap_gdt_pointer:
    .word . - ap_gdt - 1
    .long AP_START_PHYS + ap_gdt - ap_start16
ap_start16_end:
    .code64

/* Page-aligned by the link script, here and in .pages.stacks: an alignment of the section's own would make
 * the linker align the segment in the file as well. */
    .section .pages.tables, "aw", @nobits
    .global transition_pml4, transition_pdpt, transition_pd, transition_pt, pml4, kernel_pdpt, kernel_pd, kernel_pt, linear_pdpt, linear_pd, linear_first_pt, linear_tail_pt, shared_pt
pml4:            .skip PAGE_SIZE
kernel_pdpt:     .skip PAGE_SIZE
kernel_pd:       .skip PAGE_SIZE
kernel_pt:       .skip PAGE_SIZE * KERNEL_PT_PAGES
linear_pdpt:     .skip PAGE_SIZE
linear_pd:       .skip PAGE_SIZE * 4 /* 4 GiB: all that a Wasm pointer can name */
linear_first_pt: .skip PAGE_SIZE
linear_tail_pt:  .skip PAGE_SIZE
shared_pt:       .skip PAGE_SIZE
transition_pml4: .skip PAGE_SIZE
transition_pdpt: .skip PAGE_SIZE
transition_pd:   .skip PAGE_SIZE
transition_pt:   .skip PAGE_SIZE

/* vCPU 0's, above a page that is never mapped, behind everything else that is (pvh.lds.S). */
    .section .pages.stack, "aw", @nobits
    .global stack_guard, stack_end
stack_guard:
    .skip PAGE_SIZE
    .skip STACK_SIZE
stack_end:

/* Each of the others lies above a page that linear_init() takes out of the page tables. */
    .section .pages.stacks, "aw", @nobits
    .global secondary_stacks, fault_stacks
secondary_stacks:
    .skip (MAX_VCPUS - 1) * (PAGE_SIZE + SECONDARY_STACK_SIZE)
fault_stacks: /* for each vCPU and IST slot: guard, stack */
    .skip MAX_VCPUS * IST_SLOTS * (PAGE_SIZE + FAULT_STACK_SIZE)

    .section .bss.start, "aw", @nobits
    .balign 8
    .global start_info_paddr, multiboot2_magic, xen_cpuid_base, cpuid_words
start_info_paddr:
    .skip 8
multiboot2_magic: /* what %eax was at e_entry; 0: entered as PVH */
    .skip 4
xen_cpuid_base: /* 0: no Xen */
    .skip 4
cpuid_words: /* %ebx, %ecx, %edx of leaf xen_cpuid_base + 2; in direct mode, of leaf 0 */
    .skip 12

    .section .note.GNU-stack, "", @progbits
