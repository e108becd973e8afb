/*
 * Xen's clocks, for boot code and for modules without xenlet's runtime, from the shared_info page
 * (xen/include/public/xen.h: struct vcpu_time_info, the wall clock).
 */
#include "boot.h"
#include "cpu.h"

#define VCPU_INFO_TIME 32
#define SHARED_INFO_WC_VERSION 3072
#define SHARED_INFO_WC_SEC 3076
#define SHARED_INFO_WC_NSEC 3080
#define SHARED_INFO_WC_SEC_HI 3084

struct vcpu_time_info {
    uint32_t version, pad0;
    uint64_t tsc_timestamp, system_time;
    uint32_t tsc_to_system_mul;
    int8_t tsc_shift;
    uint8_t flags, pad1[2];
};

static volatile uint8_t *shared_info_page(void)
{
    if (!shared_info_map())
        fatal("Xen does not map shared_info");
    return shared_info;
}

/* (a * b) >> 32 without losing the high bits of the 96-bit product. */
static uint64_t scaled(uint64_t a, uint32_t b)
{
    return (a >> 32) * b + ((a & 0xffffffff) * b >> 32);
}

/* Xen makes `version` odd while it writes: a read counts if it was even, and the same before and after. */
uint64_t system_time(void)
{
    const volatile struct vcpu_time_info *time = (const volatile void *)(shared_info_page() + VCPU_INFO_TIME);

    for (;;) {
        uint32_t version = time->version;
        uint64_t stamp = time->tsc_timestamp, base = time->system_time;
        uint32_t multiplier = time->tsc_to_system_mul;
        int8_t shift = time->tsc_shift;
        int64_t elapsed = rdtsc() - stamp;

        if (version & 1 || time->version != version)
            continue;
        /* A read just before Xen moved the stamp may be behind it: time must not go backwards for that. */
        if (elapsed < 0)
            elapsed = 0;
        return base + scaled(shift >= 0 ? (uint64_t)elapsed << shift : (uint64_t)elapsed >> -shift, multiplier);
    }
}

static uint32_t word(uint32_t offset)
{
    return *(volatile uint32_t *)(shared_info_page() + offset);
}

uint64_t wall_clock(void)
{
    for (;;) {
        uint32_t version = word(SHARED_INFO_WC_VERSION);
        uint64_t seconds = word(SHARED_INFO_WC_SEC) | (uint64_t)word(SHARED_INFO_WC_SEC_HI) << 32;
        uint32_t nanoseconds = word(SHARED_INFO_WC_NSEC);

        if (!(version & 1) && word(SHARED_INFO_WC_VERSION) == version)
            return seconds * 1000000000 + nanoseconds + system_time();
    }
}
