/* Linked in place of boot/memory.c: the page tables are its own, and a guest's linear memory never shrinks. */
#include "memory.c"

#include "remap.h"

void linear_remap(uint32_t bytes)
{
    __builtin_memset(linear_pd, 0, SHARED_BASE / SUPERPAGE_SIZE * sizeof(*linear_pd));
    __builtin_memset(linear_first_pt, 0, PAGE_SIZE);
    linear_pd[0] = table_phys(linear_first_pt) | PTE_TABLE;
    linear_end = 0;
    linear_map(bytes);
    reload_cr3();
}
