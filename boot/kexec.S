/*
 * The jump: from this kernel in long mode to the next one's PVH entry, the reverse of start.S.
 *
 *   kexec_enter    1 page tables that map the page where it is in physical memory   2 its GDT   3 into it, 32-bit
 *   leave          4 paging, long mode and PAE off                                  5 no IDT
 *   copy, zero     6 every copy, then every run of zeroes: from here on this kernel is gone
 *   hand_over      7 what docs/misc/pvh (Xen 4.17) says of the registers            8 the next kernel
 *
 * From step 5 on nothing is used but the page and the registers, and no copy touches the page
 * (src/guest/kexec/plan.ts). Copying with paging off takes no page tables, so there are none to keep out of the way.
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
 * %edx / 4 words to %edi on, a page's worth at a time, and only where they are not there already: the next kernel is often
 * this one once more. Besides, whoever emulates a CPU translates code anew once it was written to.
 */
.macro put_where_other compare, store
    shr $2, %edx
1:  test %edx, %edx
    jz 3f
    mov $(PAGE_SIZE / 4), %ecx
    cmp %ecx, %edx
    ja 2f
    mov %edx, %ecx
2:  sub %ecx, %edx
    repe \compare
    je 1b
    sub $4, %esi
    sub $4, %edi
    inc %ecx
    rep \store
    jmp 1b
3:
.endm

copy:
    cld
    lea IN_PAGE(kexec_page_end), %ebp
    mov KEXEC_COUNT(%ebx), %eax
next_copy:
    sub $1, %eax
    jb zero
    mov KEXEC_COPY_TO(%ebp), %edi
    mov KEXEC_COPY_FROM(%ebp), %esi
    mov KEXEC_COPY_BYTES(%ebp), %edx
    put_where_other cmpsl, movsl
    mov KEXEC_COPY_BYTES(%ebp), %ecx
    and $3, %ecx
    rep movsb
    add $KEXEC_COPY_SIZE, %ebp
    jmp next_copy

zero:
    lea IN_PAGE(kexec_page_end), %ebp
    mov KEXEC_COUNT(%ebx), %esp
next_zeroes:
    sub $1, %esp
    jb hand_over
    mov KEXEC_COPY_TO(%ebp), %edi
    add KEXEC_COPY_BYTES(%ebp), %edi
    mov KEXEC_COPY_ZEROES(%ebp), %edx
    xor %eax, %eax
    mov %edx, %ecx
    and $3, %ecx
    rep stosb /* first, since it is the end of them that is aligned */
    put_where_other scasl, stosl
    add $KEXEC_COPY_SIZE, %ebp
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
