/*
 * Interrupt entry. Exceptions go to trap() in C and do not come back: each is the end of the guest, but for a first use
 * of a part of the stack.
 * The upcall returns, so it saves what it uses, and it uses next to nothing.
 */
#include "lapic.h"
#include "layout.h"
#include "xen.h"

    .section .text.traps, "ax", @progbits

/* Vectors for which the CPU pushes an error code: SDM volume 3, 6.15. The others get a zero. */
#define HAS_ERROR_CODE(v) ((v) == 8 || ((v) >= 10 && (v) <= 14) || (v) == 17 || (v) == 21 || (v) == 29 || (v) == 30)

    .balign 16
    .global trap_stubs
trap_stubs:
    .set vector, 0
    .rept 32
    .balign 16
    .if !HAS_ERROR_CODE(vector)
    push $0
    .endif
    push $vector
    jmp trap_common
    .set vector, vector + 1
    .endr

/* struct trap_frame (traps.c) is what this pushes, last first. It returns if the fault was the stack's growth. */
trap_common:
    push %rdi
    push %rsi
    push %rdx
    push %rcx
    push %rax
    push %r8
    push %r9
    push %r10
    push %r11
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, %rdi
    mov %rsp, %rbx
    cld
    and $-16, %rsp
    call trap
    mov %rbx, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rax
    pop %rcx
    pop %rdx
    pop %rsi
    pop %rdi
    add $16, %rsp /* vector and error code */
    iretq

/*
 * Xen's event upcall by the local APIC, HVMOP_set_evtchn_upcall_vector: the same, once the APIC is told that
 * the interrupt has ended, or it would hold back every later one. Interrupts stay off until iretq, so it can be
 * told first.
 */
    .global lapic_upcall_entry
lapic_upcall_entry:
    push %rax
    push %rcx
    push %rdx
    mov $MSR_X2APIC_EOI, %ecx
    xor %eax, %eax
    xor %edx, %edx
    wrmsr
    pop %rdx
    pop %rcx
    pop %rax
    jmp upcall_entry

/* An interrupt that was taken back before it was delivered: nothing to end, nothing to do. */
    .global lapic_spurious_entry
lapic_spurious_entry:
    iretq

/*
 * Xen's event upcall, HVM_PARAM_CALLBACK_IRQ by vector.
 *
 * It notes that something happened, and clears evtchn_upcall_pending: Xen raises the vector again at
 * every entry to the guest while that byte is set. Which event it was is found in
 * evtchn_pending_sel later; AssemblyScript never runs here (its globals are not re-entrant).
 *
 * If it arrived between the last look of sleep_unless_upcall and its hypercall, going on would sleep
 * through the event just noted. So the return address is moved past the hypercall.
 */
    .global upcall_entry
upcall_entry:
    push %rax
    movb $1, %gs:VCPU_UPCALL_SEEN
    mov %gs:VCPU_INFO, %rax
    test %rax, %rax
    jz 1f
    movb $0, (%rax) /* vcpu_info.evtchn_upcall_pending is its first byte (xen.h) */
1:  mov 8(%rsp), %rax
    sub $block_window, %rax
    cmp $(block_window_end - block_window), %rax
    jb 3f
#ifndef XENLET_HYPERCALL_DIRECT
    /* Inside the page's `mov $29, %eax; vmmcall; ret`, at one of the first two, and called from there? */
    mov 8(%rsp), %rax
    sub $hypercall_page + __HYPERVISOR_sched_op * 32, %rax
    cmp $5, %rax
    ja 2f
    mov 32(%rsp), %rax
    cmpq $block_window_end, (%rax)
    jne 2f
    addq $8, 32(%rsp)
    jmp 3f
#endif
2:  pop %rax
    iretq
3:  movq $block_window_end, 8(%rsp)
    movq $0, (%rsp) /* the interrupted %rax: what SCHEDOP_block would have returned */
    jmp 2b

/*
 * int64_t sleep_unless_upcall(uint32_t cmd, uint64_t arg): SCHEDOP_block or _poll, unless an upcall came since
 * upcall_seen was last cleared; then it returns 0. Interrupts are on: with them off Xen would not look at pending
 * events and sleep for ever (hvm_local_events_need_delivery, xen/arch/x86/hvm/irq.c). See upcall_entry for the
 * window.
 *
 * `sti; hlt` needs no window where the CPU keeps its word on sti. An emulated SVM was seen not to: it forgets the
 * interrupt shadow at an exit to the hypervisor between the two, and the upcall comes before the hlt.
 */
    .balign 16
    .global sleep_unless_upcall
sleep_unless_upcall:
    xor %eax, %eax
block_window:
    cmpb $0, %gs:VCPU_UPCALL_SEEN
    jne block_window_end
#ifdef XENLET_HYPERCALL_DIRECT
    mov $__HYPERVISOR_sched_op, %eax
    cmpb $0, hypercall_is_vmcall
    jne 1f
    vmmcall
    jmp block_window_end
1:  vmcall
#else
    call hypercall_page + __HYPERVISOR_sched_op * 32
#endif
block_window_end:
    ret

    .section .note.GNU-stack, "", @progbits
