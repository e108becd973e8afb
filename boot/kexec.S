/*
 * The jump: from this kernel in long mode to the next one's PVH entry, the reverse of start.S.
 *
 *   kexec_enter    1 page tables that map the page where it is in physical memory   2 its GDT   3 into it, 32-bit
 *   leave          4 paging, long mode and PAE off                                  5 no IDT
 *   copy, zero     6 every copy, then every run of zeroes: from here on this kernel no longer exists
 *   hand_over      7 what docs/misc/pvh (Xen 4.17) says of the registers            8 the next kernel
 *
 * From step 5 on nothing is used but the page and the registers, and no copy touches the page
 * (src/guest/xenlet/internal/kexec/plan.ts). Copying with paging off takes no page tables, so none have to be avoided.
 */
#include "kexec.h"
#include "layout.h"

#define CR0_PE 0x00000001
#define CR0_ET 0x00000010
#define MSR_EFER 0xc0000080
#define EFLAGS_NONE 2

#define SEL_CODE32 0x08
#define SEL_DATA32 0x10
#define SEL_TSS32 0x18

#define PHYS(symbol) ((symbol) - KERNEL_BASE)
/* From %ebx, which holds the page's address while its own code runs. */
#define IN_PAGE(symbol) ((symbol) - kexec_page)(%ebx)

    .section .text.kexec, "ax", @progbits
    .code64

/* void kexec_enter(uint32_t page): transition_pml4 maps the page, readable and executable, at its own address. */
    .global kexec_enter
kexec_enter:
    cli
    mov $PHYS(transition_pml4), %rax
    mov %rax, %cr3
    mov %edi, %ebx
    lea (kexec_gdt - kexec_page)(%rbx), %rax
    push %rax
    pushw $(kexec_gdt_end - kexec_gdt - 1)
    lgdt (%rsp)
    lea (leave - kexec_page)(%rbx), %rax
    push $SEL_CODE32
    push %rax
    lretq

    .balign 16
    .global kexec_page, kexec_code, kexec_page_end
kexec_page:
    .skip KEXEC_HEADER_SIZE
/* "Accessed" is set in each: they are loaded while the page is mapped read-only. */
kexec_gdt:
    .quad 0
    .quad 0x00cf9b000000ffff /* SEL_CODE32: flat, as at the PVH entry */
    .quad 0x00cf93000000ffff /* SEL_DATA32: flat */
    .quad 0x0000890000000067 /* SEL_TSS32: base 0, limit 0x67 */
kexec_gdt_end:
no_idt:
    .word 0
    .long 0

    .code32
kexec_code:
leave:
    mov $SEL_DATA32, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov %eax, %fs
    mov %eax, %gs
    mov $(CR0_PE | CR0_ET), %eax
    mov %eax, %cr0 /* paging is off, and with it long mode is left */
    mov $MSR_EFER, %ecx
    xor %eax, %eax
    xor %edx, %edx
    wrmsr
    mov %eax, %cr4
    mov %eax, %cr3
    lidt IN_PAGE(no_idt)

/*
 * Only what is not there already is stored: the next kernel is often this one once more, and an emulated CPU
 * retranslates code once it was written to. Compared by loads and not by repe: an emulator leaves its translation and
 * enters it again for each word of that.
 */
.macro unless_equal at, then
    mov \at(%esi), %eax
    cmp \at(%edi), %eax
    jne \then
.endm

copy:
    cld
    lea IN_PAGE(kexec_page_end), %ebp
    mov KEXEC_COUNT(%ebx), %esp
next_copy:
    sub $1, %esp
    jb zero
    mov KEXEC_COPY_TO(%ebp), %edi
    mov KEXEC_COPY_FROM(%ebp), %esi
    mov KEXEC_COPY_BYTES(%ebp), %edx
    jmp 3f
1:  unless_equal 0, 2f
    unless_equal 4, 2f
    unless_equal 8, 2f
    unless_equal 12, 2f
    add $16, %esi
    add $16, %edi
    jmp 3f
2:  mov $4, %ecx
    rep movsl
3:  sub $16, %edx
    jae 1b
    add $16, %edx
    mov %edx, %ecx
    repe cmpsb
    je 4f
    dec %esi
    dec %edi
    inc %ecx
    rep movsb
4:  add $KEXEC_COPY_SIZE, %ebp
    jmp next_copy

zero:
    lea IN_PAGE(kexec_page_end), %ebp
    mov KEXEC_COUNT(%ebx), %esp
    xor %eax, %eax
next_zeroes:
    sub $1, %esp
    jb hand_over
    mov KEXEC_COPY_TO(%ebp), %edi
    add KEXEC_COPY_BYTES(%ebp), %edi
    mov KEXEC_COPY_ZEROES(%ebp), %edx
    jmp 3f
1:  mov (%edi), %ecx
    or 4(%edi), %ecx
    or 8(%edi), %ecx
    or 12(%edi), %ecx
    or 16(%edi), %ecx
    or 20(%edi), %ecx
    or 24(%edi), %ecx
    or 28(%edi), %ecx
    jnz 2f
    add $32, %edi
    jmp 3f
2:  mov $8, %ecx
    rep stosl
3:  sub $32, %edx
    jae 1b
    add $32, %edx
    mov %edx, %ecx
    repe scasb
    je 4f
    dec %edi
    inc %ecx
    rep stosb
4:  add $KEXEC_COPY_SIZE, %ebp
    jmp next_zeroes

hand_over:
    mov $SEL_TSS32, %eax
    ltr %ax
    xor %eax, %eax
    lldt %ax
    lea PAGE_SIZE(%ebx), %esp
    push $EFLAGS_NONE
    popf
    mov KEXEC_ENTRY(%ebx), %eax
    mov KEXEC_START_INFO(%ebx), %ebx
    xor %ecx, %ecx
    xor %edx, %edx
    xor %esi, %esi
    xor %edi, %edi
    xor %ebp, %ebp
    jmp *%eax
    .balign 16
kexec_page_end:
    .code64

    .section .note.GNU-stack, "", @progbits
