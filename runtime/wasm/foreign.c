/*
 * A module that was not compiled with xenlet's own runtime (src/guest/) has nobody to speak to Xen for it. The
 * records that a run is judged by are written here, around its start; Xen's clocks and the console's reading end
 * are here for what such a module may ask for (wasi.c).
 */
#include "foreign.h"

#include "boot.h"
#include "cpu.h"
#include "hypercall.h"
#include "wasi.h"

/* io/console.h: struct xencons_interface, in bytes */
#define XENCONS_IN 0
#define XENCONS_IN_SIZE 1024
#define XENCONS_IN_CONS 3072
#define XENCONS_IN_PROD 3076

/* xen.h */
#define __HYPERVISOR_console_io 18
#define CONSOLEIO_read 1
#define VCPU_INFO_TIME 32
#define SHARED_INFO_WC_VERSION 3072
#define SHARED_INFO_WC_SEC 3076
#define SHARED_INFO_WC_NSEC 3080
#define SHARED_INFO_WC_SEC_HI 3084

/* How often somebody who waits for dom0's console looks: it has no event that needs no more setting up. */
#define CONSOLE_IO_PERIOD 10000000ul

struct vcpu_time_info {
    uint32_t version, pad0;
    uint64_t tsc_timestamp, system_time;
    uint32_t tsc_to_system_mul;
    int8_t tsc_shift;
    uint8_t flags, pad1[2];
};

void foreign_begin(void)
{
    console_attach();
    record_stage(STAGE_RUNTIME);
}

_Noreturn void foreign_exit(uint32_t code)
{
    wasi_flush();
    record_begin("exit");
    record_text("code=");
    record_decimal(code & 255);
    record_end();
    shutdown(SHUTDOWN_poweroff);
}

/* No upcall is set up, so nothing interrupts the module. */
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
uint64_t foreign_system_time(void)
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
        /* A read just before Xen moved the stamp may lie behind it: never backwards for that. */
        if (elapsed < 0)
            elapsed = 0;
        return base + scaled(shift >= 0 ? (uint64_t)elapsed << shift : (uint64_t)elapsed >> -shift, multiplier);
    }
}

static uint32_t word(uint32_t offset)
{
    return *(volatile uint32_t *)(shared_info_page() + offset);
}

uint64_t foreign_wall_clock(void)
{
    for (;;) {
        uint32_t version = word(SHARED_INFO_WC_VERSION);
        uint64_t seconds = word(SHARED_INFO_WC_SEC) | (uint64_t)word(SHARED_INFO_WC_SEC_HI) << 32;
        uint32_t nanoseconds = word(SHARED_INFO_WC_NSEC);

        if (!(version & 1) && word(SHARED_INFO_WC_VERSION) == version)
            return seconds * 1000000000 + nanoseconds + foreign_system_time();
    }
}

uint32_t foreign_input(char *to, uint32_t size)
{
    volatile uint8_t *ring = console_ring();
    uint32_t start, available;

    if (!ring) {
        int64_t count = hypercall3(__HYPERVISOR_console_io, CONSOLEIO_read, size, (uint64_t)to);

        return count < 0 ? 0 : count;
    }
    start = *(volatile uint32_t *)(ring + XENCONS_IN_CONS);
    available = *(volatile uint32_t *)(ring + XENCONS_IN_PROD) - start;
    /* A counter that makes no sense counts as a full ring. */
    if (available > XENCONS_IN_SIZE)
        available = XENCONS_IN_SIZE;
    if (size > available)
        size = available;
    for (uint32_t i = 0; i < size; i++)
        to[i] = ring[XENCONS_IN + (start + i) % XENCONS_IN_SIZE];
    *(volatile uint32_t *)(ring + XENCONS_IN_CONS) = start + size;
    return size;
}

void foreign_wait(uint64_t deadline)
{
    uint32_t port = console_port();
    struct sched_poll poll = {.ports = (uint64_t)&port, .nr_ports = console_ring() ? 1 : 0, .timeout = deadline};
    uint64_t now = foreign_system_time();

    if (!console_ring() && (!deadline || deadline > now + CONSOLE_IO_PERIOD))
        poll.timeout = now + CONSOLE_IO_PERIOD;
    say_stage();
    /* An event after this ends the poll; one before it has been looked for by whoever calls. */
    hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, (uint64_t)&poll);
    if (console_ring())
        __atomic_and_fetch((volatile uint64_t *)(shared_info_page() + SHARED_INFO_EVTCHN_PENDING) + port / 64,
                           ~(1ul << port % 64), __ATOMIC_SEQ_CST);
}
