/*
 * What AssemblyScript cannot even express: a write to code, and a jump into data.
 */
#include "guest.h"

static volatile uint8_t data_page[16] = {0xc3}; /* a `ret`, if it could be executed */

void import_native_write(uint32_t where)
{
    *(volatile uint8_t *)(where ? rodata_start : text_start) = 0;
}

void import_native_call(uint32_t address)
{
    const volatile void *target = address ? (const void *)(uintptr_t)address : data_page;

    ((void (*)(void))target)();
}
