/*
 * The way into Xen.
 *
 * Page mode: Xen writes the page (hypercall.c asks it to). Until then it is int3 all through (start.S; the file does
 * not carry it), so a call that comes too early, or a page that Xen never wrote, is a trap and not a slide into other
 * code.
 *
 * Direct mode: what Xen's own guide advises for hardened guests (docs/guest-guide/x86/hypercall-abi):
 * the instruction itself, chosen by CPU vendor; the wrong one is #UD.
 */
#include "layout.h"
#include "xen.h"

#ifdef XENLET_HYPERCALL_DIRECT
    .section .text.hypercall, "ax", @progbits
    .balign 16
    .global hypercall_direct
hypercall_direct: /* number in %rax, arguments where the ABI wants them */
    cmpb $0, hypercall_is_vmcall
    jne 1f
    vmmcall
    ret
1:  vmcall
    ret

    .section .data.hypercall, "aw", @progbits
    .global hypercall_is_vmcall
hypercall_is_vmcall:
    .byte 0
#else
    .section .hypercall_page, "ax", @nobits
    .global hypercall_page
hypercall_page:
    .skip PAGE_SIZE
#endif

    .section .note.GNU-stack, "", @progbits
