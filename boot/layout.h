/*
 * Where everything is: the one map that assembly, C and the link script share.
 *
 *   virtual                                  physical            rights
 *   0x0000000000000000  page 0               -                   none: a null dereference faults
 *   0x0000000000001000  Wasm linear memory   linear_phys + va    RW, no execute
 *                       guard, up to 8 GiB   -                   none: out of bounds faults
 *   0x00000000ffe00000  shared frames        anywhere            RW, no execute (inside the guard's range)
 *   0xffffffff80000000  image: text          va - KERNEL_BASE    RX
 *                       read-only data                           R, no execute
 *                       data, bss, stacks                        RW, no execute
 *
 * A Wasm effective address is a 32-bit pointer plus a 32-bit offset, so nothing that Wasm code computes
 * reaches 8 GiB: everything below that belongs to linear memory, to the shared window or to the guard.
 */
#ifndef XENLET_LAYOUT_H
#define XENLET_LAYOUT_H

#define PAGE_SHIFT 12
#define PAGE_SIZE (1 << PAGE_SHIFT)
#define SUPERPAGE_SIZE 0x200000

#ifdef __ASSEMBLER__
#define KERNEL_BASE 0xffffffff80000000
#else
#define KERNEL_BASE 0xffffffff80000000ul
#endif

/* The image's first physical byte: above the legacy PC area that every memory map leaves free of RAM. */
#define IMAGE_PHYS 0x100000

/* The page that is also mapped at its physical address while long mode is being turned on. */
#define TRAMPOLINE_PHYS IMAGE_PHYS

/* Page tables for the image, 2 MiB each from physical 0 on: how large it may be. */
#ifndef KERNEL_PT_PAGES
#define KERNEL_PT_PAGES 8
#endif

/*
 * Frames shared with Xen or other domains are mapped here, in the last 2 MiB a Wasm pointer can name; behind the
 * image, where none reaches, for a module that does not know about them.
 */
#define SHARED_BASE 0xffe00000
#define SHARED_PAGES 512

/*
 * vCPU 0's stack, which the guest runs on: about as much as engines give Wasm. Its upper end is there from the first
 * instruction on; the rest is memory of the domain's, but mapped when it is first used (traps.c), so that a large
 * stack costs a boot nothing. A build may ask for more (--stack).
 */
#ifndef STACK_SIZE
#define STACK_SIZE 0x100000
#endif
#define STACK_MAPPED_FIRST 0x8000
#define STACK_STEP 0x10000
#define SECONDARY_STACK_SIZE 0x4000
#define FAULT_STACK_SIZE 0x2000

/* vCPUs that boot code has stacks for. AssemblyScript runs on vCPU 0 only (vcpu.c). */
#define MAX_VCPUS 4

/* Where a vCPU started by INIT-SIPI begins: RAM below 1 MiB in every memory map, and ours alone. */
#define AP_START_PHYS 0x8000

/* A note of our own in every image: struct run_note of run_block.h. Type, and bytes. */
#define XENLET_ELFNOTE_RUN 2
#define RUN_NOTE_SIZE 16
/* What is kept free behind the image for the run block: 64 KiB of strings, its header, a command line. */
#define RUN_BLOCK_ROOM 0x11000

/* Segment selectors of every GDT here. */
#define SEL_CODE64 0x08
#define SEL_DATA 0x10
#define SEL_TSS 0x18

/* Interrupt stack table slots. One for each event that may arrive while another handler runs. */
#define IST_DOUBLE_FAULT 1
#define IST_FAULT 2
#define IST_NMI 3
#define IST_SLOTS 3

/* No IST slot for upcalls: they run on the stack that they interrupt (traps.c has the reason). */
#define IST_NONE 0

/*
 * The vector that HVM_PARAM_CALLBACK_IRQ names. Any above the exceptions would do for this kernel, but Xen cannot take
 * it back in a PVH domain, and injects it as long as an event waits (hvm_vcpu_has_pending_irq, xen/arch/x86/hvm). So
 * it is the one that Linux, whose upcalls may come by local APIC, has a handler for: a kernel that we jump into would
 * hang in interrupts that it does not know.
 */
#define UPCALL_VECTOR 0xf3
/* The vector that HVMOP_set_evtchn_upcall_vector names, and the local APIC's spurious one. */
#define LAPIC_UPCALL_VECTOR 0x21
#define LAPIC_SPURIOUS_VECTOR 0x2f
#define IDT_VECTORS 0x100

/* Offsets in struct vcpu (vcpu.h), which %gs points to; checked there by _Static_assert. */
#define VCPU_INFO 0
#define VCPU_UPCALL_SEEN 8
#define VCPU_SELF 16

#endif
