/*
 * WASI preview 1 in a guest: the process, its clocks, its randomness, and waiting. Descriptors: wasi-fd.c.
 *
 * Arguments and environment: boot/run_block.c.
 */
#include "wasi.h"

#include "boot.h"
#include "cpu.h"
#include "foreign.h"
#include "hypercall.h"

#pragma GCC diagnostic ignored "-Wunused-parameter" /* the signatures are WASI's */

void *wasi_memory(uint32_t address, uint64_t size)
{
    return address + size <= spare_begin() - (uint64_t)linear_phys ? (void *)(uintptr_t)address : WASI_NOWHERE;
}

/* Arguments and environment ----------------------------------------------------------------------------------- */

static uint32_t sizes(enum boot_data which, uint32_t strings, uint32_t count_at, uint32_t bytes_at)
{
    uint32_t *count = wasi_memory(count_at, sizeof(*count)), *bytes = wasi_memory(bytes_at, sizeof(*bytes));

    if (count == WASI_NOWHERE || bytes == WASI_NOWHERE)
        return WASI_FAULT;
    *count = strings;
    *bytes = boot_data_copy(which, NULL, 0);
    return WASI_SUCCESS;
}

static uint32_t get(enum boot_data which, uint32_t strings, uint32_t pointers_at, uint32_t text_at)
{
    uint32_t size = boot_data_copy(which, NULL, 0), *pointers = wasi_memory(pointers_at, strings * 4ul);
    char *text = wasi_memory(text_at, size);

    if (pointers == WASI_NOWHERE || text == WASI_NOWHERE)
        return WASI_FAULT;
    boot_data_copy(which, text, size);
    for (uint32_t at = 0, i = 0; i < strings; i++) {
        pointers[i] = text_at + at;
        while (text[at])
            at++;
        at++;
    }
    return WASI_SUCCESS;
}

static uint32_t argument_count(void)
{
    return run_arguments().count + run_words().count;
}

DEFINE(uint32_t, args_sizes_get, uint32_t count, uint32_t bytes) { return sizes(BOOT_ARGUMENTS, argument_count(), count, bytes); }
DEFINE(uint32_t, args_get, uint32_t pointers, uint32_t text) { return get(BOOT_ARGUMENTS, argument_count(), pointers, text); }
DEFINE(uint32_t, environ_sizes_get, uint32_t count, uint32_t bytes) { return sizes(BOOT_VARIABLES, run_variables().count, count, bytes); }
DEFINE(uint32_t, environ_get, uint32_t pointers, uint32_t text) { return get(BOOT_VARIABLES, run_variables().count, pointers, text); }

/* The process ------------------------------------------------------------------------------------------------- */

DEFINE(void, proc_exit, uint32_t code)
{
    foreign_exit(code);
}

DEFINE(uint32_t, proc_raise, uint32_t signal) { return WASI_NOSYS; }

DEFINE(uint32_t, sched_yield, void)
{
    hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
    return WASI_SUCCESS;
}

/* Clocks ------------------------------------------------------------------------------------------------------ */

/* Of the process and of its only thread: what this vCPU has run, as Xen counts it. */
static uint64_t cpu_time(void)
{
    struct vcpu_runstate_info info = {0};

    if (hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, (uint64_t)&info))
        fatal("VCPUOP_get_runstate_info failed");
    return info.time[RUNSTATE_running];
}

DEFINE(uint32_t, clock_res_get, uint32_t id, uint32_t to)
{
    uint64_t *resolution = wasi_memory(to, sizeof(*resolution));

    if (id > WASI_CLOCK_THREAD_CPUTIME)
        return WASI_INVAL;
    if (resolution == WASI_NOWHERE)
        return WASI_FAULT;
    *resolution = 1;
    return WASI_SUCCESS;
}

DEFINE(uint32_t, clock_time_get, uint32_t id, uint64_t precision, uint32_t to)
{
    uint64_t *time = wasi_memory(to, sizeof(*time));

    if (id > WASI_CLOCK_THREAD_CPUTIME)
        return WASI_INVAL;
    if (time == WASI_NOWHERE)
        return WASI_FAULT;
    *time = id > WASI_CLOCK_MONOTONIC    ? cpu_time()
            : id == WASI_CLOCK_MONOTONIC ? system_time()
                                         : wall_clock();
    return WASI_SUCCESS;
}

/* Randomness -------------------------------------------------------------------------------------------------- */

DEFINE(uint32_t, random_get, uint32_t to, uint32_t size)
{
    void *bytes = wasi_memory(to, size);

    if (bytes == WASI_NOWHERE)
        return WASI_FAULT;
    random_bytes(bytes, size);
    return WASI_SUCCESS;
}

/* Waiting ----------------------------------------------------------------------------------------------------- */

/* When it is over, in Xen system time; ~0 for a descriptor. What is wrong with it goes to `*error`. */
static uint64_t deadline_of(const struct wasi_subscription *wait, uint64_t now, uint16_t *error)
{
    *error = WASI_SUCCESS;
    if ((uint8_t)wait->type != WASI_EVENT_CLOCK) {
        if (!wasi_is_open(wait->fd))
            *error = WASI_BADF;
        else if ((uint8_t)wait->type > WASI_EVENT_FD_WRITE)
            *error = WASI_INVAL;
        return ~0ul;
    }
    if (wait->clock.id > WASI_CLOCK_MONOTONIC) {
        *error = WASI_INVAL;
        return ~0ul;
    }
    if (!(wait->clock.flags & WASI_SUBSCRIPTION_CLOCK_ABSTIME))
        return wait->clock.timeout > ~0ul - 1 - now ? ~0ul - 1 : now + wait->clock.timeout;
    if (wait->clock.id == WASI_CLOCK_MONOTONIC)
        return wait->clock.timeout;
    /* Wall clock time, less what it is ahead of system time. */
    now = wall_clock() - system_time();
    return wait->clock.timeout > now ? wait->clock.timeout - now : 0;
}

static bool is_over(const struct wasi_subscription *wait, uint64_t deadline, uint64_t now)
{
    switch ((uint8_t)wait->type) {
    case WASI_EVENT_CLOCK:
        return now >= deadline;
    case WASI_EVENT_FD_READ:
        return wait->fd != 0 || wasi_readable(wait->fd);
    default:
        return true; /* output never waits */
    }
}

DEFINE_PREVIEW1(uint32_t, poll_oneoff, uint32_t waits_at, uint32_t events_at, uint32_t count, uint32_t done_at)
{
    const struct wasi_subscription *waits = wasi_memory(waits_at, (uint64_t)count * sizeof(*waits));
    struct wasi_event *events = wasi_memory(events_at, (uint64_t)count * sizeof(*events));
    uint32_t *done = wasi_memory(done_at, sizeof(*done));
    uint64_t begin = system_time();

    if (!count)
        return WASI_INVAL;
    if (waits == WASI_NOWHERE || events == WASI_NOWHERE || done == WASI_NOWHERE)
        return WASI_FAULT;
    for (;;) {
        uint64_t now = system_time(), first = ~0ul;

        *done = 0;
        for (uint32_t i = 0; i < count; i++) {
            uint16_t error;
            uint64_t deadline = deadline_of(&waits[i], begin, &error);

            if (error || is_over(&waits[i], deadline, now))
                events[(*done)++] = (struct wasi_event){
                    .userdata = waits[i].userdata,
                    .error = error,
                    .type = waits[i].type,
                    .ready.bytes = waits[i].type == WASI_EVENT_CLOCK ? 0 : 1,
                };
            else if (deadline < first)
                first = deadline;
        }
        if (*done)
            return WASI_SUCCESS;
        console_wait(first == ~0ul ? 0 : first);
    }
}
