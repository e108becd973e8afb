/*
 * A hypercall by a 32-bit kernel, as far as Xen can tell: from a code segment of the same long mode whose L bit is clear. By that
 * bit Xen decides which ABI a caller speaks (hvm_guest_x86_mode(), xen/arch/x86/include/asm/hvm/hvm.h), and of a caller of
 * either kind it latches the width of shared_info (hvm_latch_shinfo_size(), xen/arch/x86/hvm/hvm.c).
 *
 * Such code has 32-bit addresses, so the image's first pages are mapped once more, at COMPAT_BASE, by page tables of its own.
 * Interrupts are off: an upcall would not find its way back.
 */
#include "guest.h"
#include "boot.h"
#include "cpu.h"

/* Inside linear memory's guard: no domain of a scenario is that large. An image's address is COMPAT_BASE - KERNEL_BASE away. */
#define COMPAT_BASE 0x40000000
_Static_assert((uint32_t)(COMPAT_BASE - KERNEL_BASE) == 0xc0000000, "what is added to addresses below");
#define IMAGE_SUPERPAGES 8
#define PTE_PRESENT 1
#define PTE_WRITE 2
#define PTE_SUPERPAGE 0x80
#define ENTRIES 512

static uint64_t own_pml4[ENTRIES] __attribute__((aligned(4096)));
static uint64_t own_pdpt[ENTRIES] __attribute__((aligned(4096)));
static uint64_t own_pd[ENTRIES] __attribute__((aligned(4096)));

extern uint64_t compat_cr3;
extern uint32_t compat_vmcall;
uint64_t compat_cr3;
uint32_t compat_vmcall;

uint64_t compat_enter(uint32_t op, uint32_t a1, uint32_t a2);

/* %rdi: the hypercall's number, %rsi and %rdx: its arguments. */
__asm__(".section .rodata.compat, \"a\", @progbits\n"
        ".balign 8\n"
        /* The first three as in every GDT here; then a 32-bit code segment. */
        "compat_gdt: .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cf9b000000ffff\n"
        "compat_gdt_end:\n"
        "compat_gdt_pointer: .word compat_gdt_end - compat_gdt - 1; .quad compat_gdt\n"
        "compat_target: .long 1f + 0xc0000000; .word 0x18\n"
        ".section .bss.compat, \"aw\", @nobits\n"
        ".balign 8\n"
        "compat_old_gdt: .skip 16\n"
        "compat_old_stack: .skip 8\n"
        "compat_old_cr3: .skip 8\n"
        ".section .text.compat, \"ax\", @progbits\n"
        ".global compat_enter\n"
        "compat_enter:\n"
        "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "mov %rsp, compat_old_stack(%rip)\n"
        "mov %cr3, %rax; mov %rax, compat_old_cr3(%rip)\n"
        "sgdt compat_old_gdt(%rip)\n"
        "lgdt compat_gdt_pointer(%rip)\n"
        "mov compat_cr3(%rip), %rax; mov %rax, %cr3\n"
        "mov %edi, %eax; mov %esi, %ebx; mov %edx, %ecx\n"
        "mov compat_vmcall(%rip), %ebp\n"
        "ljmp *compat_target(%rip)\n"
        ".code32\n"
        "1: test %ebp, %ebp; jnz 2f\n"
        "vmmcall\n"
        "jmp 3f\n"
        "2: vmcall\n"
        "3: ljmp $0x08, $(4f + 0xc0000000)\n"
        ".code64\n"
        "4: movabs $5f, %rdx; jmp *%rdx\n"
        "5: mov compat_old_stack(%rip), %rsp\n"
        "mov compat_old_cr3(%rip), %rdx; mov %rdx, %cr3\n"
        "lgdt compat_old_gdt(%rip)\n"
        "movslq %eax, %rax\n"
        "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "ret\n"
        ".previous\n");

static uint64_t physical(const void *p)
{
    return (uint64_t)p - KERNEL_BASE;
}

uint64_t import_native_compat_hypercall(uint32_t op, uint32_t a1, uint32_t a2);

/* Xen's own number, sign-extended. Arguments are guest virtual addresses below 4 GiB. Interrupts are off. */
uint64_t import_native_compat_hypercall(uint32_t op, uint32_t a1, uint32_t a2)
{
    uint32_t eax = 0, ebx, ecx = 0, edx;

    for (int i = 0; i < ENTRIES; i++) {
        own_pml4[i] = pml4[i];
        own_pdpt[i] = linear_pdpt[i];
    }
    own_pml4[0] = physical(own_pdpt) | PTE_PRESENT | PTE_WRITE;
    own_pdpt[COMPAT_BASE >> 30] = physical(own_pd) | PTE_PRESENT | PTE_WRITE;
    for (uint64_t i = 0; i < IMAGE_SUPERPAGES; i++)
        own_pd[i] = i * SUPERPAGE_SIZE | PTE_PRESENT | PTE_SUPERPAGE;
    compat_cr3 = physical(own_pml4);
    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    /* AuthenticAMD and HygonGenuine have vmmcall. */
    compat_vmcall = ecx != 0x444d4163 && ecx != 0x656e6975;
    return compat_enter(op, a1, a2);
}
