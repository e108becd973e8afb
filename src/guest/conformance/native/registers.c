/*
 * SCHEDOP_shutdown with a value of its own in every register, and what is in them when it returns. Interrupts are off.
 *
 * Not looked at: %rax, which is the result, and %rdi and %rsi, the arguments, which a debug build of Xen clobbers.
 */
#include "guest.h"
#include "hypercall.h"

#define GENERAL 12 /* %rbx %rcx %rdx %rbp %r8 to %r15 */
#define VECTOR 16
#define FLAGS (1u << 0 | 1u << 10) /* carry and direction */

struct registers {
    uint64_t general[GENERAL];
    uint8_t vector[VECTOR][16];
    uint64_t flags;
    uint64_t stack_pointer;
    uint32_t mxcsr;
    uint16_t x87_control;
};
_Static_assert(offsetof(struct registers, vector) == 96, "the assembly below");
_Static_assert(offsetof(struct registers, flags) == 352, "the assembly below");
_Static_assert(offsetof(struct registers, stack_pointer) == 360, "the assembly below");
_Static_assert(offsetof(struct registers, mxcsr) == 368, "the assembly below");
_Static_assert(offsetof(struct registers, x87_control) == 372, "the assembly below");

extern struct registers probe_given, probe_seen;
extern uint64_t probe_argument;
extern uint8_t probe_spoil;
struct registers probe_given, probe_seen;
uint64_t probe_argument;
uint8_t probe_spoil; /* the control: registers are lost on the way */

int64_t probe_shutdown(void);

/* Which instruction it is, hypercall_direct asks by a comparison, and that spoils the flags: here it comes before them. */
#ifdef XENLET_HYPERCALL_DIRECT
#define SCHED_OP "cmpb $0, hypercall_is_vmcall; jne 2f; std; stc; vmmcall; jmp 3f; 2: std; stc; vmcall; 3:"
#else
#define SCHED_OP "std; stc; call hypercall_page + 29 * 32"
#endif

__asm__(".section .text.probe_shutdown, \"ax\", @progbits\n"
        ".global probe_shutdown\n"
        "probe_shutdown:\n"
        "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "movdqu probe_given + 96 + 16 * \\n(%rip), %xmm\\n\n"
        ".endr\n"
        "ldmxcsr probe_given + 368(%rip)\n"
        "fldcw probe_given + 372(%rip)\n"
        "mov %rsp, probe_given + 360(%rip)\n"
        "mov probe_given + 0(%rip), %rbx\n"
        "mov probe_given + 8(%rip), %rcx\n"
        "mov probe_given + 16(%rip), %rdx\n"
        "mov probe_given + 24(%rip), %rbp\n"
        ".irp n, 8,9,10,11,12,13,14,15\n"
        "mov probe_given + 32 + 8 * (\\n - 8)(%rip), %r\\n\n"
        ".endr\n"
        "mov $29, %eax\n"
        "mov $2, %edi\n"
        "mov probe_argument(%rip), %rsi\n"
        SCHED_OP "\n"
        "pushfq; popq probe_seen + 352(%rip)\n"
        "cld\n"
        "mov %rsp, probe_seen + 360(%rip)\n"
        "cmpb $0, probe_spoil(%rip); je 1f\n"
        "not %r12; pcmpeqb %xmm9, %xmm9\n"
        "1:\n"
        "mov %rbx, probe_seen + 0(%rip)\n"
        "mov %rcx, probe_seen + 8(%rip)\n"
        "mov %rdx, probe_seen + 16(%rip)\n"
        "mov %rbp, probe_seen + 24(%rip)\n"
        ".irp n, 8,9,10,11,12,13,14,15\n"
        "mov %r\\n, probe_seen + 32 + 8 * (\\n - 8)(%rip)\n"
        ".endr\n"
        ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "movdqu %xmm\\n, probe_seen + 96 + 16 * \\n(%rip)\n"
        ".endr\n"
        "stmxcsr probe_seen + 368(%rip)\n"
        "fnstcw probe_seen + 372(%rip)\n"
        "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "ret\n"
        ".previous\n");

/* What src/guest/conformance/probes.ts reads. */
struct report {
    int64_t result;
    uint32_t general; /* bit maps of what is not as it was */
    uint32_t vector;
    uint32_t others; /* 1 the stack pointer, 2 flags, 4 MXCSR, 8 x87's control word */
    uint32_t stack;  /* words of it that are not as they were */
};

static uint64_t scrambled(uint64_t number)
{
    return (number + 1) * 0x9e3779b97f4a7c15;
}

void import_native_shutdown_with_registers(uint32_t argument, uint32_t spoil, uint32_t report_at);

void import_native_shutdown_with_registers(uint32_t argument, uint32_t spoil, uint32_t report_at)
{
    struct report *report = (struct report *)(uintptr_t)report_at;
    volatile uint64_t stack[64];
    uint32_t mxcsr;
    uint16_t x87_control;

    __asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(mxcsr), "=m"(x87_control));
    for (int i = 0; i < GENERAL; i++)
        probe_given.general[i] = scrambled(i);
    for (int i = 0; i < VECTOR * 16; i++)
        probe_given.vector[i / 16][i % 16] = scrambled(i) >> 56;
    probe_given.flags = FLAGS;
    probe_given.mxcsr = 0x1f80 | 0x2000; /* rounding down */
    probe_given.x87_control = 0x037f | 0x0400;
    for (int i = 0; i < 64; i++)
        stack[i] = scrambled(1000 + i);
    probe_argument = argument;
    probe_spoil = spoil;

    report->result = probe_shutdown();

    __asm__ volatile("ldmxcsr %0; fldcw %1" : : "m"(mxcsr), "m"(x87_control));
    if (spoil) {
        stack[9] = 0;
        probe_seen.flags ^= FLAGS;
    }
    report->general = report->vector = report->others = report->stack = 0;
    for (int i = 0; i < GENERAL; i++)
        if (probe_seen.general[i] != probe_given.general[i])
            report->general |= 1u << i;
    for (int i = 0; i < VECTOR; i++)
        if (__builtin_memcmp(probe_seen.vector[i], probe_given.vector[i], 16))
            report->vector |= 1u << i;
    report->others = (probe_seen.stack_pointer != probe_given.stack_pointer) |
                     ((probe_seen.flags & FLAGS) != probe_given.flags) << 1 |
                     (probe_seen.mxcsr != probe_given.mxcsr) << 2 |
                     (probe_seen.x87_control != probe_given.x87_control) << 3;
    for (int i = 0; i < 64; i++)
        report->stack += stack[i] != scrambled(1000 + i);
}
