#include "caught.h"

#include "boot.h"

/* Where a trap goes back to: the stack of the call that it ends. */
uint64_t *saved_stack;
const char *trap_seen;

_Noreturn void return_caught(void);
__asm__("call_caught:\n"
        "push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15\n"
        "sub $8, %rsp\n"
        "mov %rsp, saved_stack(%rip)\n"
        "movq $0, trap_seen(%rip)\n"
        "call *%rdi\n"
        "return_caught:\n"
        "mov saved_stack(%rip), %rsp\n"
        "mov trap_seen(%rip), %rax\n"
        "cld\n"
        "add $8, %rsp\n"
        "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp\n"
        "ret\n"
        ".globl call_caught\n");

void trap_caught(const char *kind)
{
    trap_seen = kind ? kind : "of no kind";
    if (saved_stack)
        return_caught();
}
