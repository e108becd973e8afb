/*
 * What boot code and the CPU know of shared_info and its upcall.
 */
#include "guest.h"

uint32_t import_native_shared_info_mapped(void);
uint32_t import_native_interrupts_are_on(void);

uint32_t import_native_shared_info_mapped(void)
{
    return shared_info != 0;
}

uint32_t import_native_interrupts_are_on(void)
{
    uint64_t flags;

    __asm__ volatile("pushf; pop %0" : "=r"(flags));
    return flags >> 9 & 1;
}
