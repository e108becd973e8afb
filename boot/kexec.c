/*
 * The last C before another kernel: puts the page of kexec.S together, and jumps. Which kernel, from where to
 * where, and that it all fits, is src/guest/xenlet/internal/kexec/'s to know. From kexec_jump() on nothing can fail.
 */
#include "kexec.h"
#include "boot.h"
#include "cpu.h"
#include "lapic.h"

#define PTE_PRESENT 0x001ul
#define PTE_TABLE 0x003ul

bool lapic_has_upcalls;

extern uint64_t transition_pdpt[], transition_pd[], transition_pt[];

uint32_t kexec_room(void)
{
    return (PAGE_SIZE - KEXEC_STACK_SIZE - (kexec_page_end - kexec_page)) / sizeof(struct kexec_copy);
}

/* For the same reason as kexec.S copies only what differs: the kernel before this one may have jumped from here. */
static void put_where_other(uint64_t paddr, const void *from, uint32_t size)
{
    if (__builtin_memcmp((const uint8_t *)physical_peek(paddr), from, size))
        physical_write(paddr, from, size);
}

void kexec_place(uint32_t page, uint32_t entry, uint32_t start_info, const struct kexec_copy *copies, uint32_t count)
{
    struct kexec_header header = {.count = count, .entry = entry, .start_info = start_info};
    uint32_t code = kexec_code - kexec_page, size = kexec_page_end - kexec_page;

    physical_write(page, kexec_page, code); /* ltr made a mark in its GDT */
    physical_write(page, &header, sizeof(header));
    put_where_other(page + code, kexec_code, size - code);
    put_where_other(page + size, copies, count * sizeof(*copies));
}

/* The number of the next record, for the next kernel to continue with: seq= on its command line. */
static void hand_on_sequence(uint64_t digits)
{
    char text[KEXEC_SEQUENCE_DIGITS];
    uint32_t number = record_sequence();

    for (int i = KEXEC_SEQUENCE_DIGITS; i-- > 0; number /= 10)
        text[i] = '0' + number % 10;
    physical_write(digits, text, sizeof(text));
}

/*
 * As at a vCPU's creation: xAPIC mode, everything at its reset value, which turning it off and on does. Not if
 * upcalls come through it: Xen cannot take that back, and a vCPU whose local APIC is off would never be woken
 * again by one that does not know about it (src/guest/xenlet/internal/events/upcall-vector.ts).
 */
static void lapic_reset(void)
{
    uint64_t base;

    if (lapic_has_upcalls || !lapic_in_use)
        return;
    base = rdmsr(MSR_APIC_BASE);
    wrmsr(MSR_APIC_BASE, base & ~(APIC_BASE_ENABLED | APIC_BASE_X2APIC));
    wrmsr(MSR_APIC_BASE, (base | APIC_BASE_ENABLED) & ~APIC_BASE_X2APIC);
}

_Noreturn void kexec_jump(uint32_t page, uint64_t sequence_digits)
{
    __asm__ volatile("cli" : : : "memory");
    for (uint32_t id = 0; id < MAX_VCPUS; id++)
        if (vcpu_ran(id))
            vcpu_reset(id);
    lapic_reset();
    if (sequence_digits)
        hand_on_sequence(sequence_digits);
    transition_pdpt[page >> 30] = ((uint64_t)transition_pd - KERNEL_BASE) | PTE_TABLE;
    transition_pd[page >> 21 & 511] = ((uint64_t)transition_pt - KERNEL_BASE) | PTE_TABLE;
    transition_pt[page >> 12 & 511] = page | PTE_PRESENT;
    kexec_enter(page);
}
