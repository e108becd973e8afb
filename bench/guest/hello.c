/*
 * hello in C, with the duties that xenlet's runtime has (src/guest/xenlet/internal/start/runtime.ts): the PV console looked for, and the same
 * records. Around it is what is around every module that was not compiled with xenlet's runtime (runtime/wasm/foreign.c): the
 * console, and the verdict.
 */
#include "guest.h"

#include "foreign.h"

void import_native_hello(void)
{
    record_begin("log");
    record_text("Hello from a Xen guest");
    record_end();
}

/* Without the verdict: as far as the first line. */
void import_native_power_off(void)
{
    shutdown(SHUTDOWN_poweroff);
}
