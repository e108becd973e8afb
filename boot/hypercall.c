/*
 * Readying the hypercalls, by what start.S read with CPUID.
 */
#include "boot.h"
#include "cpu.h"
#include "hypercall.h"

bool hypercalls_ready;

extern uint32_t xen_cpuid_base, cpuid_words[3];

static void check_xen(void)
{
    if (!xen_cpuid_base)
        fatal("no Xen here: CPUID has no leaf signed XenVMMXenVMM");
}

#ifdef XENLET_HYPERCALL_DIRECT

extern uint8_t hypercall_is_vmcall;

void hypercall_init(void)
{
    const uint32_t *vendor = cpuid_words;

    check_xen();
    /* AMD and Hygon have VMMCALL, everybody else VMCALL; the wrong one is #UD. */
    hypercall_is_vmcall = !((vendor[0] == 0x68747541 && vendor[2] == 0x69746e65 && vendor[1] == 0x444d4163) || /* AuthenticAMD */
                            (vendor[0] == 0x6f677948 && vendor[2] == 0x6e65476e && vendor[1] == 0x656e6975));  /* HygonGenuine */
    hypercalls_ready = true;
}

#else

#define POISON 0xcc

void hypercall_init(void)
{
    const volatile uint8_t *entry = hypercall_page + __HYPERVISOR_sched_op * 32;

    check_xen();
    /* From 64-bit mode: the write also latches the width of shared_info (hvm_latch_shinfo_size). */
    wrmsr(cpuid_words[0], (uint64_t)hypercall_page - KERNEL_BASE);

    /* upcall_entry reads these entries' shape as well: mov $n, %eax; vmcall or vmmcall; ret. */
    if (entry[0] == POISON)
        fatal("Xen did not write the hypercall page");
    if (entry[0] != 0xb8 || entry[1] != __HYPERVISOR_sched_op || entry[5] != 0x0f || entry[6] != 0x01 ||
        (entry[7] != 0xc1 && entry[7] != 0xd9) || entry[8] != 0xc3)
        fatal("the hypercall page's entries are not the ones this guest was built for");
    hypercalls_ready = true;
}

#endif
