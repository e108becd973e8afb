/* Has another vCPU trap: at its next order it clears an event at this address. */
#include "boot.h"

struct w2c_native;

void w2c_native_spoil_vcpu(struct w2c_native *native, uint32_t id);

void w2c_native_spoil_vcpu(struct w2c_native *native, uint32_t id)
{
    (void)native;
    vcpus[id].vcpu_info = (volatile uint8_t *)0x10;
}
