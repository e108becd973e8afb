/*
 * What is different for each module: its numbers, and what happens when it is started. The lowering writes constants.h
 * (src/host/build/lower/lower.ts); everything that needs it is here.
 */
#include "module.h"

#include "boot.h"
#include "constants.h"
#include "foreign.h"

const uint32_t module_initial_pages = MODULE_INITIAL_PAGES;
const bool linear_page_zero = MODULE_PAGE_ZERO;
const bool module_knows_xen = MODULE_KNOWS_XEN;

_Noreturn void wasm_main(void);

void wasm_main(void)
{
#ifdef MODULE_IS_FOREIGN
    foreign_begin();
#endif
#ifdef MODULE_FOR_X86_64_V2
    check_x86_64_v2();
#endif
    wasm_instantiate();
    wasm_start();
#ifdef MODULE_IS_FOREIGN
    foreign_exit(0);
#else
    fatal("the guest came to its end without a verdict"); /* src/guest/xenlet/internal/start/runtime.ts says one */
#endif
}
