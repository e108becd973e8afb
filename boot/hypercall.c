/*
 * Finding Xen, and readying the hypercalls.
 */
#include "boot.h"
#include "cpu.h"
#include "hypercall.h"

/* cpuid.h: the leaf with Xen's signature in ebx, ecx, edx; eax is the last leaf of its range. */
static uint32_t xen_cpuid_base(void)
{
    for (uint32_t leaf = XEN_CPUID_FIRST_LEAF; leaf < XEN_CPUID_LAST_LEAF; leaf += XEN_CPUID_LEAF_STEP) {
        uint32_t last, b, c, d;

        cpuid(leaf, &last, &b, &c, &d);
        if (b == 0x566e6558 && c == 0x65584d4d && d == 0x4d4d566e && last >= leaf + 2) /* "XenVMMXenVMM" */
            return leaf;
    }
    fatal("no Xen here: CPUID has no leaf signed XenVMMXenVMM");
}

#ifdef XENLET_HYPERCALL_DIRECT

extern uint8_t hypercall_is_vmcall;

void hypercall_init(void)
{
    uint32_t a, b, c, d;

    xen_cpuid_base();
    /* AMD and Hygon have VMMCALL, everybody else VMCALL; the wrong one is #UD. */
    cpuid(0, &a, &b, &c, &d);
    hypercall_is_vmcall = !((b == 0x68747541 && d == 0x69746e65 && c == 0x444d4163) ||  /* AuthenticAMD */
                            (b == 0x6f677948 && d == 0x6e65476e && c == 0x656e6975));   /* HygonGenuine */
}

#else

#define POISON 0xcc

void hypercall_init(void)
{
    uint32_t base = xen_cpuid_base();
    uint32_t pages, msr, c, d;
    const volatile uint8_t *entry = hypercall_page + __HYPERVISOR_sched_op * 32;

    cpuid(base + 2, &pages, &msr, &c, &d);
    /* From 64-bit mode: the write also latches the width of shared_info (hvm_latch_shinfo_size). */
    wrmsr(msr, (uint64_t)hypercall_page - KERNEL_BASE);

    /* upcall_entry reads these entries' shape as well: mov $n, %eax; vmcall or vmmcall; ret. */
    if (entry[0] == POISON)
        fatal("Xen did not write the hypercall page");
    if (entry[0] != 0xb8 || entry[1] != __HYPERVISOR_sched_op || entry[5] != 0x0f || entry[6] != 0x01 ||
        (entry[7] != 0xc1 && entry[7] != 0xd9) || entry[8] != 0xc3)
        fatal("the hypercall page's entries are not the ones this guest was built for");
}

#endif
