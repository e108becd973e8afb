/*
 * The baseline: the shortest loop around SCHEDOP_yield that an assembly programmer would write. Returns TSC ticks.
 */
#include "guest.h"

uint64_t import_native_yield_loop(uint32_t count)
{
    uint64_t start = rdtsc();
    uint64_t result;

    __asm__ volatile("1: mov %[op], %%eax\n\t"
                     "xor %%edi, %%edi\n\t"
                     "xor %%esi, %%esi\n\t"
#ifdef XENLET_HYPERCALL_DIRECT
                     "vmmcall\n\t"
#else
                     "call hypercall_page + 29 * 32\n\t"
#endif
                     "dec %[count]\n\t"
                     "jnz 1b"
                     : "=&a"(result), [count] "+r"(count)
                     : [op] "i"(__HYPERVISOR_sched_op)
                     : "rdi", "rsi", "memory", "cc");
    return rdtsc() - start;
}
