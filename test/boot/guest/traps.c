/*
 * What AssemblyScript cannot even express: a write to code, and a jump into data.
 */
#include "guest.h"

static volatile uint8_t data_page[16] = {0xc3}; /* a `ret`, if it could be executed */

void w2c_native_write(struct w2c_native *native, uint32_t where)
{
    (void)native;
    *(volatile uint8_t *)(where ? rodata_start : text_start) = 0;
}

void w2c_native_call(struct w2c_native *native, uint32_t address)
{
    const volatile void *target = address ? (const void *)(uintptr_t)address : data_page;

    (void)native;
    ((void (*)(void))target)();
}
