/*
 * Ports of the machine itself, which Xen lets its hardware domain at (dom0_setup_permissions and setup_io_bitmap,
 * xen/arch/x86, 4.17).
 */
#include "guest.h"

/* hw/nvram/fw_cfg.c, QEMU 7.2: the address of a request, big endian, its high half first. The low half starts it. */
#define FW_CFG_DMA_HIGH 0x514
#define FW_CFG_DMA_LOW 0x518

void import_native_fw_cfg_dma(uint64_t address);

static void out32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

/* The device has done all of it when this returns: it reads and writes memory as the vCPU's own instruction would. */
void import_native_fw_cfg_dma(uint64_t address)
{
    out32(FW_CFG_DMA_HIGH, __builtin_bswap32(address >> 32));
    out32(FW_CFG_DMA_LOW, __builtin_bswap32(address));
}
