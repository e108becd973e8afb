/*
 * What boot code and the CPU know of shared_info and its upcall.
 */
#include "guest.h"

struct w2c_native;

uint32_t w2c_native_shared_info_mapped(struct w2c_native *native);
uint32_t w2c_native_interrupts_are_on(struct w2c_native *native);

uint32_t w2c_native_shared_info_mapped(struct w2c_native *native)
{
    (void)native;
    return shared_info != 0;
}

uint32_t w2c_native_interrupts_are_on(struct w2c_native *native)
{
    uint64_t flags;

    (void)native;
    __asm__ volatile("pushf; pop %0" : "=r"(flags));
    return flags >> 9 & 1;
}
