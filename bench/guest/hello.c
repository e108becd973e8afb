/*
 * hello in C, with the duties that xenlet's runtime has (src/guest/xenlet/internal/start/runtime.ts): the PV console looked for, and the same
 * records. Around it is what is around every module that was not compiled with xenlet's runtime (runtime/wasm/foreign.c): the
 * console, and the verdict.
 */
#include "guest.h"

#include "foreign.h"

void w2c_native_hello(struct w2c_native *native)
{
    (void)native;
    record_begin("log");
    record_text("Hello from a Xen guest");
    record_end();
}

/* Without the verdict: as far as the first line. */
void w2c_native_power_off(struct w2c_native *native)
{
    (void)native;
    shutdown(SHUTDOWN_poweroff);
}
