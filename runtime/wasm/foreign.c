/*
 * A module that was not compiled with xenlet's own runtime (src/guest/) has no runtime that speaks to Xen for it. The records
 * that a run is judged by are written here, around its start.
 */
#include "foreign.h"

#include "boot.h"

void foreign_begin(void)
{
    console_attach();
    record_stage(STAGE_RUNTIME);
}

_Noreturn void foreign_exit(uint32_t code)
{
    record_begin("exit");
    record_text("code=");
    record_decimal(code & 255);
    record_end();
    shutdown(SHUTDOWN_poweroff);
}
