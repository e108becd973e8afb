/*
 * A module that was not compiled with xenlet's own runtime (src/guest/runtime.ts) says nothing of how it fares: the
 * records that a run is judged by are written here, around its start.
 */
#include "foreign.h"

#include "boot.h"

void foreign_begin(void)
{
    console_attach();
    record_begin("boot");
    record_text("stage=runtime");
    record_end();
}

_Noreturn void foreign_exit(uint32_t code)
{
    record_begin("exit");
    record_text("code=");
    record_decimal(code & 255);
    record_end();
    shutdown(SHUTDOWN_poweroff);
}
