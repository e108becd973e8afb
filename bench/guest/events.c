/*
 * The baseline: the hypercalls and the one bit that an event is, with nothing around them. Each returns TSC ticks.
 */
#include "guest.h"

static volatile uint64_t *pending(uint32_t port)
{
    return (volatile uint64_t *)(shared_info + SHARED_INFO_EVTCHN_PENDING) + port / 64;
}

static void clear(uint32_t port)
{
    __atomic_and_fetch(pending(port), ~(1ul << port % 64), __ATOMIC_SEQ_CST);
}

uint64_t import_native_send_loop(uint32_t port, uint32_t count)
{
    uint64_t start = rdtsc();

    while (count--) {
        hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (uint64_t)&port);
        while (!(*pending(port) >> port % 64 & 1))
            ;
        clear(port);
    }
    return rdtsc() - start;
}

uint64_t import_native_poll_loop(uint32_t port, uint32_t count)
{
    struct sched_poll poll = {.ports = (uint64_t)&port, .nr_ports = 1};
    uint64_t start = rdtsc();

    while (count--) {
        hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (uint64_t)&port);
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, (uint64_t)&poll);
        clear(port);
    }
    return rdtsc() - start;
}
