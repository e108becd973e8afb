/*
 * EVTCHNOP_reset by the domain itself, and a shutdown in the middle of it.
 *
 * Every 64 ports Xen looks whether the caller has an upcall to take, and if so, leaves the hypercall unfinished: the
 * vCPU takes the upcall, and continues the hypercall afterwards. So an upcall is made pending right
 * before the call, and its handler, put in place here, shuts the domain down. It returns once that is resumed.
 */
#include "guest.h"
#include "cpu.h"
#include "hypercall.h"

#ifdef XENLET_HYPERCALL_DIRECT
#define CALL(number) "mov $" #number ", %eax; call hypercall_direct\n"
#else
#define CALL(number) "call hypercall_page + " #number " * 32\n"
#endif

extern uint32_t probe_reason, probe_interruptions;
extern uint16_t probe_domid;
extern volatile uint8_t *probe_upcall_pending;
uint32_t probe_reason, probe_interruptions;
uint16_t probe_domid;
volatile uint8_t *probe_upcall_pending;

extern uint8_t probe_upcall[];
int64_t probe_event_reset(void);

__asm__(".section .text.probe_event_reset, \"ax\", @progbits\n"
        /* By the time that Xen has left it unfinished, the operation is another one, its continuation. */
        ".global probe_upcall\n"
        "probe_upcall:\n"
        "cmp $10, %rdi; je 1f\n"
        "push %rax; push %rdi; push %rsi\n"
        "mov $2, %edi; lea probe_reason(%rip), %rsi\n"
        CALL(29)
        "incl probe_interruptions(%rip)\n"
        "mov probe_upcall_pending(%rip), %rdi; movb $0, (%rdi)\n"
        "pop %rsi; pop %rdi; pop %rax\n"
        "1: iretq\n"

        ".global probe_event_reset\n"
        "probe_event_reset:\n"
        "mov $10, %edi; lea probe_domid(%rip), %rsi\n"
        "mov probe_upcall_pending(%rip), %rdx\n"
        "sti; movb $1, (%rdx)\n"
        CALL(32)
        "cli\n"
        "ret\n"
        ".previous\n");

/* struct idt_entry of boot/traps.c, in two halves. */
struct gate {
    uint64_t low, high;
};

static struct gate gate_to(const void *handler, struct gate like)
{
    uint64_t offset = (uint64_t)handler;

    return (struct gate){
        .low = (like.low & 0x0000ffffffff0000) | (offset & 0xffff) | (offset >> 16 & 0xffff) << 48,
        .high = offset >> 32,
    };
}

uint64_t import_native_interrupted_event_reset(uint32_t reason, uint32_t upcall_pending);

/*
 * Interrupts are off, before and after. `upcall_pending`: where vCPU 0's evtchn_upcall_pending is. Returns Xen's errno,
 * or how often it was interrupted.
 */
uint64_t import_native_interrupted_event_reset(uint32_t reason, uint32_t upcall_pending)
{
    struct {
        uint16_t limit;
        struct gate *base;
    } __attribute__((packed)) idt;
    struct gate before;
    int64_t result;

    __asm__ volatile("sidt %0" : "=m"(idt));
    before = idt.base[UPCALL_VECTOR];
    idt.base[UPCALL_VECTOR] = gate_to(probe_upcall, before);
    probe_reason = reason;
    probe_domid = 0x7ff0; /* DOMID_SELF */
    probe_interruptions = 0;
    probe_upcall_pending = (volatile uint8_t *)(uintptr_t)upcall_pending;
    result = probe_event_reset();
    idt.base[UPCALL_VECTOR] = before;
    return result ? result : probe_interruptions;
}

/*
 * A domctl that Xen leaves unfinished where it first looks: an upcall is pending then, which its handler does nothing but take.
 * Xen's own number; how often it was left is counted.
 */
extern uint64_t probe_call_argument;
extern uint8_t probe_preempting_upcall[];
uint64_t probe_call_argument;
int64_t probe_preempted_call(void);

__asm__(".section .text.probe_preempted_call, \"ax\", @progbits\n"
        /* Taken on the way back from Xen: the interrupted instruction is the hypercall, to be made again, or what follows it. */
        ".global probe_preempting_upcall\n"
        "probe_preempting_upcall:\n"
        "push %rdi\n"
        "incl probe_interruptions(%rip)\n"
        "mov probe_upcall_pending(%rip), %rdi; movb $0, (%rdi)\n"
        "pop %rdi\n"
        "iretq\n"

        ".global probe_preempted_call\n"
        "probe_preempted_call:\n"
        "mov probe_call_argument(%rip), %rdi\n"
        "mov probe_upcall_pending(%rip), %rdx\n"
        "sti; movb $1, (%rdx)\n"
        CALL(36)
        "cli\n"
        "ret\n"
        ".previous\n");

uint64_t import_native_preempted_domctl(uint32_t argument, uint32_t upcall_pending);
uint32_t import_native_preemptions(void);

/* Interrupts are off, before and after. `argument`: a struct xen_domctl. */
uint64_t import_native_preempted_domctl(uint32_t argument, uint32_t upcall_pending)
{
    struct {
        uint16_t limit;
        struct gate *base;
    } __attribute__((packed)) idt;
    struct gate before;
    int64_t result;

    __asm__ volatile("sidt %0" : "=m"(idt));
    before = idt.base[UPCALL_VECTOR];
    idt.base[UPCALL_VECTOR] = gate_to(probe_preempting_upcall, before);
    probe_call_argument = argument;
    probe_interruptions = 0;
    probe_upcall_pending = (volatile uint8_t *)(uintptr_t)upcall_pending;
    result = probe_preempted_call();
    idt.base[UPCALL_VECTOR] = before;
    return result;
}

uint32_t import_native_preemptions(void)
{
    return probe_interruptions;
}
