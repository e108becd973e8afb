/*
 * The local APIC in x2APIC mode, where its registers are MSRs and nothing needs mapping. Xen gives every
 * HVM and PVH vCPU one that can (SDM volume 3, 10.12).
 */
#ifndef XENLET_LAPIC_H
#define XENLET_LAPIC_H

#define MSR_APIC_BASE 0x1b
#define APIC_BASE_X2APIC (1ul << 10)
#define APIC_BASE_ENABLED (1ul << 11)

#define MSR_X2APIC_TPR 0x808
#define MSR_X2APIC_EOI 0x80b
#define MSR_X2APIC_SPURIOUS 0x80f
#define MSR_X2APIC_ICR 0x830

#define ICR_INIT 0x4500    /* assert */
#define ICR_NMI 0x4400     /* assert */
#define ICR_STARTUP 0x4600 /* assert; the vector is the page to start in */

#define SPURIOUS_ENABLE 0x100 /* the APIC's software enable; below it the spurious vector */

#ifndef __ASSEMBLER__
#include <stdbool.h>

#include "cpu.h"

/* vcpu.c: this kernel has turned it on. */
extern bool lapic_in_use;

static inline void lapic_enable(void)
{
    lapic_in_use = true;
    wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLED | APIC_BASE_X2APIC);
}

/* Lets it take interrupts: of every priority, and with a vector for the spurious ones. */
static inline void lapic_accept(uint32_t spurious_vector)
{
    lapic_enable();
    wrmsr(MSR_X2APIC_TPR, 0);
    wrmsr(MSR_X2APIC_SPURIOUS, SPURIOUS_ENABLE | spurious_vector);
}

/* Xen numbers local APICs by vCPU: id * 2 (hvm/vlapic.c, vlapic_x2apic_id's users). */
static inline void lapic_send(uint32_t vcpu, uint32_t command)
{
    wrmsr(MSR_X2APIC_ICR, (uint64_t)(vcpu * 2) << 32 | command);
}
#endif

#endif
