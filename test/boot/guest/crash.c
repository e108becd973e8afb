/* Has another vCPU trap: at its next order it clears an event at this address. */
#include "boot.h"

void import_native_spoil_vcpu(uint32_t id);

void import_native_spoil_vcpu(uint32_t id)
{
    vcpus[id].vcpu_info = (volatile uint8_t *)0x10;
}
