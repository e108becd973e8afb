/*
 * What another kernel may find or leave in the local APIC.
 */
#include "guest.h"
#include "lapic.h"

void import_native_lapic_off(void);

/* Software disable, as after a reset of the APIC. */
void import_native_lapic_off(void)
{
    lapic_enable();
    wrmsr(MSR_X2APIC_SPURIOUS, LAPIC_SPURIOUS_VECTOR);
}
