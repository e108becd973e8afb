/*
 * What another kernel may find or leave in the local APIC.
 */
#include "guest.h"
#include "lapic.h"

struct w2c_native;

void w2c_native_lapic_off(struct w2c_native *native);

/* Software disable, as after a reset of the APIC. */
void w2c_native_lapic_off(struct w2c_native *native)
{
    (void)native;
    lapic_enable();
    wrmsr(MSR_X2APIC_SPURIOUS, LAPIC_SPURIOUS_VECTOR);
}
