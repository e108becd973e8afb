/*
 * A vCPU's state that no hypercall tells of: MSRs, among them the local APIC's registers (SDM volume 3, 10.12), control
 * and debug registers, descriptor tables; and where the hypercall page is.
 */
#include "guest.h"
#include "cpu.h"
#include "hypercall.h"
#include "lapic.h"

uint64_t import_native_msr_read(uint32_t msr);
void import_native_msr_write(uint32_t msr, uint64_t value);
void import_native_lapic_on(void);
void import_native_control_registers(uint32_t to);
void import_native_set_debug_register(uint64_t value);
uint64_t import_native_hypercall_page_paddr(void);

uint64_t import_native_msr_read(uint32_t msr)
{
    return rdmsr(msr);
}

void import_native_msr_write(uint32_t msr, uint64_t value)
{
    wrmsr(msr, value);
}

void import_native_lapic_on(void)
{
    lapic_accept(LAPIC_SPURIOUS_VECTOR);
}

struct table {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

#define READ(name)                                                                                                     \
    ({                                                                                                                 \
        uint64_t value;                                                                                                \
        __asm__ volatile("mov %%" name ", %0" : "=r"(value));                                                          \
        value;                                                                                                         \
    })

/* In the order of src/guest/conformance/probes.ts's names. */
void import_native_control_registers(uint32_t to)
{
    volatile uint64_t *list = (uint64_t *)(uintptr_t)to;
    uint16_t task;
    struct table gdt, idt;

    list[0] = READ("cr0");
    list[1] = READ("cr3");
    list[2] = READ("cr4");
    list[3] = READ("dr0");
    list[4] = READ("dr7");
    __asm__ volatile("sgdt %0; sidt %1; str %2" : "=m"(gdt), "=m"(idt), "=r"(task));
    list[5] = gdt.base;
    list[6] = gdt.limit;
    list[7] = idt.base;
    list[8] = idt.limit;
    list[9] = task;
}

/* DR0, which is unused: DR7 turns nothing on. */
void import_native_set_debug_register(uint64_t value)
{
    __asm__ volatile("mov %0, %%dr0" : : "r"(value));
}

/* 0 where hypercalls need no page. */
uint64_t import_native_hypercall_page_paddr(void)
{
#ifdef XENLET_HYPERCALL_DIRECT
    return 0;
#else
    return (uint64_t)hypercall_page - KERNEL_BASE;
#endif
}
