/*
 * Another vCPU, as a scenario needs one: it takes one request after another from a page that both see, a hypercall or a look
 * at a register, whatever becomes of event channels, shared_info and vcpu_info meanwhile. The library's own (boot/vcpu.c) is
 * woken by an event channel, which a soft reset closes. This one is never woken: while it has nothing to do it yields. So
 * it has no interrupts either, no descriptor tables of its own and no traps: a fault ends the domain.
 */
#include "guest.h"
#include "boot.h"
#include "cpu.h"
#include "hypercall.h"
#include "lapic.h"

#define MAX_REMOTE 128
#define REMOTE_STACK 1024

enum request { HYPERCALL, READ_MSR, WRITE_MSR, READ_DR0, WRITE_DR0, HOLD_REGISTERS, LAPIC_ON, LOAD32, READ_PORT };

struct remote {
    volatile uint32_t asked, answered; /* request numbers */
    volatile uint64_t turns;           /* of its loop */
    uint32_t request, id;
    uint64_t args[4];
    int64_t result;
};

/* Handed out to those that were started, in turn. */
static struct remote remotes[MAX_REMOTE];
static uint8_t stacks[MAX_REMOTE][REMOTE_STACK] __attribute__((aligned(16)));

extern uint64_t remote_held[15], remote_found[15];
extern volatile uint32_t remote_release, remote_holds;
uint64_t remote_held[15], remote_found[15];
volatile uint32_t remote_release, remote_holds;
void remote_hold(void);

/* Every register but %rsp and the flags, held while the domain is shut down; what is in them once it is let go. */
__asm__(".section .text.remote_hold, \"ax\", @progbits\n"
        ".global remote_hold\n"
        "remote_hold:\n"
        "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "mov remote_held+0(%rip), %rax; mov remote_held+8(%rip), %rbx; mov remote_held+16(%rip), %rcx\n"
        "mov remote_held+24(%rip), %rdx; mov remote_held+32(%rip), %rsi; mov remote_held+40(%rip), %rdi\n"
        "mov remote_held+48(%rip), %rbp\n"
        ".irp n, 8,9,10,11,12,13,14,15\n"
        "mov remote_held + 56 + 8 * (\\n - 8)(%rip), %r\\n\n"
        "movq %r\\n, %xmm\\n\n"
        ".endr\n"
        "movl $1, remote_holds(%rip)\n"
        "1: pause; cmpl $0, remote_release(%rip); je 1b\n"
        "mov %rax, remote_found+0(%rip); mov %rbx, remote_found+8(%rip); mov %rcx, remote_found+16(%rip)\n"
        "mov %rdx, remote_found+24(%rip); mov %rsi, remote_found+32(%rip); mov %rdi, remote_found+40(%rip)\n"
        "mov %rbp, remote_found+48(%rip)\n"
        ".irp n, 8,9,10,11,12,13,14,15\n"
        "mov %r\\n, remote_found + 56 + 8 * (\\n - 8)(%rip)\n"
        "movq %xmm\\n, %r\\n\n"
        "cmp %r\\n, remote_found + 56 + 8 * (\\n - 8)(%rip); je 2f; notq remote_found + 56 + 8 * (\\n - 8)(%rip); 2:\n"
        ".endr\n"
        "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "ret\n"
        ".previous\n");

/* A bit map of the registers that were lost. */
static int64_t hold_registers(void)
{
    int64_t lost = 0;

    for (int i = 0; i < 15; i++)
        remote_held[i] = (i + 1) * 0x9e3779b97f4a7c15;
    remote_hold();
    for (int i = 0; i < 15; i++)
        if (remote_found[i] != remote_held[i])
            lost |= 1 << i;
    return lost;
}

static int64_t answer(const struct remote *self)
{
    const uint64_t *a = self->args;
    uint64_t value;

    switch (self->request) {
    case HYPERCALL:
        return hypercall3(a[0], a[1], a[2], a[3]);
    case READ_MSR:
        return rdmsr(a[0]);
    case WRITE_MSR:
        wrmsr(a[0], a[1]);
        return 0;
    case READ_DR0:
        __asm__ volatile("mov %%dr0, %0" : "=r"(value));
        return value;
    case WRITE_DR0:
        __asm__ volatile("mov %0, %%dr0" : : "r"(a[0]));
        return 0;
    case HOLD_REGISTERS:
        return hold_registers();
    case LAPIC_ON:
        lapic_accept(LAPIC_SPURIOUS_VECTOR);
        return 0;
    case LOAD32:
        return *(volatile uint32_t *)a[0];
    case READ_PORT:
        __asm__ volatile("inl %w1, %%eax" : "=a"(value) : "d"(a[0]));
        return (uint32_t)value;
    default:
        return -1;
    }
}

static _Noreturn void remote_main(struct remote *self)
{
    self->answered = self->asked;
    for (;;) {
        while (self->answered == self->asked) {
            self->turns++;
            hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
        }
        self->result = answer(self);
        __atomic_store_n(&self->answered, self->asked, __ATOMIC_RELEASE);
    }
}

uint64_t import_native_remote_start(uint32_t id);
void import_native_remote_ask(uint32_t id, uint32_t request, uint64_t a0, uint64_t a1, uint64_t a2,
                           uint64_t a3);
uint32_t import_native_remote_answered(uint32_t id);
uint64_t import_native_remote_result(uint32_t id);
uint64_t import_native_remote_turns(uint32_t id);
uint32_t import_native_remote_holds(void);
void import_native_remote_let_go(void);

/* Starts vCPU `id`, straight into long mode, and waits until it is there. Xen's errno, or 0. */
uint64_t import_native_remote_start(uint32_t id)
{
    struct remote *remote = &remotes[id];
    uint64_t cr3;
    int64_t result;

    if (id == 0 || id >= MAX_REMOTE)
        return -22;
    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    struct vcpu_hvm_context_64 context = {
        .mode = VCPU_HVM_MODE_64B,
        .rip = (uint64_t)remote_main,
        .rdi = (uint64_t)remote,
        .rsp = (uint64_t)stacks[id] + REMOTE_STACK - 8,
        .rflags = 2,
        .cr0 = 0x80010033, /* as boot/start.S sets them: PG, WP, NE, ET, MP, PE */
        .cr3 = cr3,
        .cr4 = 0x620, /* PAE, OSFXSR, OSXMMEXCPT */
        .efer = 0xd00, /* NXE, LMA, LME */
    };
    remote->id = id;
    remote->asked = remote->answered + 1;
    result = hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_initialise, id, (uint64_t)&context);
    if (!result)
        result = hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_up, id, 0);
    while (!result && remote->answered != remote->asked)
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
    return result;
}

/* It has answered before. */
void import_native_remote_ask(uint32_t id, uint32_t request, uint64_t a0, uint64_t a1, uint64_t a2,
                           uint64_t a3)
{
    struct remote *remote = &remotes[id];

    /* Here and not by the other vCPU: that may come to it when it has been let go already. */
    if (request == HOLD_REGISTERS)
        remote_release = remote_holds = 0;
    remote->request = request;
    remote->args[0] = a0;
    remote->args[1] = a1;
    remote->args[2] = a2;
    remote->args[3] = a3;
    __atomic_store_n(&remote->asked, remote->asked + 1, __ATOMIC_RELEASE);
}

uint32_t import_native_remote_answered(uint32_t id)
{
    return remotes[id].answered == remotes[id].asked;
}

uint64_t import_native_remote_result(uint32_t id)
{
    return remotes[id].result;
}

uint64_t import_native_remote_turns(uint32_t id)
{
    return remotes[id].turns;
}

/* Whether HOLD_REGISTERS has begun. */
uint32_t import_native_remote_holds(void)
{
    return remote_holds;
}

/* Ends HOLD_REGISTERS. */
void import_native_remote_let_go(void)
{
    remote_release = 1;
}
