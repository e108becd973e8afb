/*
 * A kernel in reserve: a guest that traps or gives up asks for the soft reset itself, and jumps to a kernel that was
 * loaded while all was well. What it does then relies on as little of the dead guest as can be: its code and stack,
 * and the page tables. A second failure in here ends the domain, as every failure does without a kernel in reserve.
 */
#include "crash.h"
#include "boot.h"
#include "cpu.h"
#include "hypercall.h"
#include "lapic.h"

#define FNV_OFFSET 0xcbf29ce484222325ul
#define FNV_PRIME 0x100000001b3ul

/* NR_DOMAIN_WATCHDOG_TIMERS in xen/include/xen/sched.h. */
#define WATCHDOG_TIMERS 2

/* TSC ticks that vCPU 0 has to take over. */
#define TAKEN_OVER_WITHIN (1ul << 32)

static struct {
    uint32_t page;
    uint64_t info, sequence_digits;
} reserve;

/* Of the vCPU that crashed, if that is not vCPU 0, until vCPU 0 has taken it. */
static struct crash_info handed_over;

/* FNV-1a, a 64-bit word at a time: linear memory from page 1 on, which is always there. */
static uint64_t checksum(uint64_t bytes)
{
    uint64_t sum = FNV_OFFSET;

    for (uint64_t at = PAGE_SIZE; at < bytes; at += 8)
        sum = (sum ^ *(const volatile uint64_t *)at) * FNV_PRIME;
    return sum;
}

static void describe(struct crash_info *info, const char *kind, const struct trap_frame *frame, uint64_t rip,
                     uint64_t rbp)
{
    *info = (struct crash_info){.magic = CRASH_MAGIC, .vcpu = this_vcpu()->id, .vector = ~0u, .rip = rip, .rbp = rbp};
    for (int i = 0; kind && kind[i] && i < CRASH_KIND_SIZE - 1; i++)
        info->kind[i] = kind[i];
    info->cr3 = (uint64_t)pml4 - KERNEL_BASE;
    if (!frame)
        return;
    info->vector = frame->vector;
    info->error_code = frame->error_code;
    info->address = read_cr2();
    info->rsp = frame->rsp;
    info->rflags = frame->rflags;
    info->rax = frame->rax, info->rcx = frame->rcx, info->rdx = frame->rdx, info->rbx = frame->rbx;
    info->rsi = frame->rsi, info->rdi = frame->rdi, info->r8 = frame->r8, info->r9 = frame->r9;
    info->r10 = frame->r10, info->r11 = frame->r11, info->r12 = frame->r12, info->r13 = frame->r13;
    info->r14 = frame->r14, info->r15 = frame->r15;
}

/* What a soft reset does not clean (src/guest/xenlet/internal/reset/soft-reset.ts). What Xen says to it changes nothing any more. */
static void quiet(void)
{
    for (uint32_t id = 1; id < MAX_VCPUS; id++)
        if (vcpu_ran(id))
            vcpu_reset(id);
    for (uint32_t id = 1; id <= WATCHDOG_TIMERS; id++) {
        struct sched_watchdog none = {.id = id};

        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_watchdog, (uint64_t)&none);
    }
    hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_stop_singleshot_timer, 0, 0);
    hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0, 0);
    if (vcpus[0].vcpu_info)
        vcpus[0].vcpu_info[0] = 0;
}

static _Noreturn void jump(struct crash_info *info)
{
    struct sched_shutdown argument = {.reason = SHUTDOWN_soft_reset};

    quiet();
    info->linear_begin = (uint64_t)linear_phys;
    info->linear_bytes = spare_begin() - info->linear_begin;
    info->checksum = checksum(info->linear_bytes);
    physical_write(reserve.info, info, offsetof(struct crash_info, saved_count));
    if (hypercall2(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (uint64_t)&argument))
        shutdown(SHUTDOWN_crash);
    kexec_jump(reserve.page, reserve.sequence_digits);
}

/* The next kernel expects to begin on vCPU 0, so that one has to jump: a non-maskable interrupt has it look here. */
static void hand_over(void)
{
    uint64_t start = rdtsc();

    __atomic_store_n(&crash_waits, true, __ATOMIC_RELEASE);
    lapic_enable();
    lapic_send(0, ICR_NMI);
    while (rdtsc() - start < TAKEN_OVER_WITHIN)
        __builtin_ia32_pause();
}

static void crashed(const char *kind, const struct trap_frame *frame, uint64_t rip, uint64_t rbp)
{
    static struct crash_info info;

    if (this_vcpu()->id == 0) {
        crash_hook = NULL;
        if (crash_waits)
            jump(&handed_over);
        describe(&info, kind, frame, rip, rbp);
        jump(&info);
    }
    describe(&handed_over, kind, frame, rip, rbp);
    hand_over();
}

void crash_reserve(uint32_t page, uint64_t info, uint64_t sequence_digits)
{
    reserve.page = page;
    reserve.info = info;
    reserve.sequence_digits = sequence_digits;
    crash_hook = page ? crashed : NULL;
}
