/*
 * What is different for each module: its instance, its numbers, and what happens when it is started. The lowering
 * writes module.h (src/host/build/lower/lower.ts); everything that needs it is here.
 */
#include "module.h"

#include "foreign.h"

const uint32_t module_initial_pages = MODULE_INITIAL_PAGES;
const bool linear_page_zero = MODULE_PAGE_ZERO;
#ifdef MODULE_IS_FOREIGN
const bool module_is_foreign = true;
#else
const bool module_is_foreign = false;
#endif

uint8_t module_table_room[MODULE_TABLE_BYTES + 1] __attribute__((aligned(16)));
const uint32_t module_table_bytes = MODULE_TABLE_BYTES;
const uint32_t module_table_growth = MODULE_TABLE_GROWTH;

static MODULE_INSTANCE instance;

void wasm_main(void)
{
#ifdef MODULE_IS_FOREIGN
    foreign_begin();
#endif
    MODULE_INSTANTIATE(&instance);
#ifdef MODULE_START
    MODULE_START(&instance);
#endif
#ifdef MODULE_IS_FOREIGN
    foreign_exit(0);
#else
    fatal("the guest came to its end without a verdict"); /* its runtime says one: src/guest/xenlet/internal/start/runtime.ts */
#endif
}
