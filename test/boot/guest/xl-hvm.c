/* The PC's ports, which only a domain with a device model has. */
#include "guest.h"

uint32_t import_native_port_in(uint32_t port);
void import_native_port_out(uint32_t port, uint32_t value);

uint32_t import_native_port_in(uint32_t port)
{
    uint8_t value;

    __asm__ volatile("inb %w1, %b0" : "=a"(value) : "Nd"(port));
    return value;
}

void import_native_port_out(uint32_t port, uint32_t value)
{
    __asm__ volatile("outb %b0, %w1" : : "a"(value), "Nd"(port));
}
