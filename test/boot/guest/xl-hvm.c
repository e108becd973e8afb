/* The PC's ports, which only a domain with a device model has. */
#include "guest.h"

struct w2c_native;

uint32_t w2c_native_port_in(struct w2c_native *native, uint32_t port);
void w2c_native_port_out(struct w2c_native *native, uint32_t port, uint32_t value);

uint32_t w2c_native_port_in(struct w2c_native *native, uint32_t port)
{
    uint8_t value;

    (void)native;
    __asm__ volatile("inb %w1, %b0" : "=a"(value) : "Nd"(port));
    return value;
}

void w2c_native_port_out(struct w2c_native *native, uint32_t port, uint32_t value)
{
    (void)native;
    __asm__ volatile("outb %b0, %w1" : : "a"(value), "Nd"(port));
}
