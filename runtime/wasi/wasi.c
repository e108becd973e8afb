/*
 * WASI preview 1 in a guest: the process, its clocks, its randomness, and waiting. Descriptors: wasi-fd.c.
 *
 * Arguments are the words of the domain's command line behind the harness's own (docs/records.md); of these,
 * `env.NAME=value` is a variable of the environment.
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

#define CMDLINE_SIZE 4096

/* Where words go: each with its end to `text`, its address to `pointers`; with neither, they are counted. */
struct words {
    uint32_t count, bytes;
    uint32_t *pointers;
    char *text;
};

static bool begins(const char *word, const char *with)
{
    while (*with)
        if (*word++ != *with++)
            return false;
    return true;
}

static bool is_harness(const char *word)
{
    return begins(word, "nonce=") || begins(word, "on=") || begins(word, "seq=") || begins(word, "quiet=");
}

static void add(struct words *to, const char *word)
{
    if (to->pointers)
        to->pointers[to->count] = (uint32_t)(uintptr_t)(to->text + to->bytes);
    to->count++;
    do {
        if (to->text)
            to->text[to->bytes] = *word;
        to->bytes++;
    } while (*word++);
}

/* The words of one sort. */
static void words(bool environment, struct words *to)
{
    static char line[CMDLINE_SIZE];
    bool own = false; /* from the first word on that is not the harness's */

    if (boot_data_copy(BOOT_CMDLINE, line, sizeof(line) - 1) >= sizeof(line))
        line[sizeof(line) - 1] = 0;
    if (!environment)
        add(to, "guest");
    for (char *at = line; *at;) {
        const char *word = at;
        bool variable = begins(word, "env.");

        while (*at && *at != ' ')
            at++;
        if (*at)
            *at++ = 0;
        own |= *word && !is_harness(word);
        if (*word && own && variable == environment)
            add(to, variable ? word + 4 : word);
    }
}

static uint32_t sizes(bool environment, uint32_t count_at, uint32_t bytes_at)
{
    uint32_t *count = wasi_memory(count_at, sizeof(*count)), *bytes = wasi_memory(bytes_at, sizeof(*bytes));
    struct words all = {0};

    if (count == WASI_NOWHERE || bytes == WASI_NOWHERE)
        return WASI_FAULT;
    words(environment, &all);
    *count = all.count;
    *bytes = all.bytes;
    return WASI_SUCCESS;
}

static uint32_t get(bool environment, uint32_t pointers_at, uint32_t text_at)
{
    struct words all = {0};

    words(environment, &all);
    if (wasi_memory(pointers_at, all.count * 4ul) == WASI_NOWHERE || wasi_memory(text_at, all.bytes) == WASI_NOWHERE)
        return WASI_FAULT;
    all = (struct words){.pointers = wasi_memory(pointers_at, 0), .text = wasi_memory(text_at, 0)};
    words(environment, &all);
    return WASI_SUCCESS;
}

DEFINE(uint32_t, args_sizes_get, uint32_t count, uint32_t bytes) { return sizes(false, count, bytes); }
DEFINE(uint32_t, args_get, uint32_t pointers, uint32_t text) { return get(false, pointers, text); }
DEFINE(uint32_t, environ_sizes_get, uint32_t count, uint32_t bytes) { return sizes(true, count, bytes); }
DEFINE(uint32_t, environ_get, uint32_t pointers, uint32_t text) { return get(true, pointers, text); }

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

DEFINE(uint32_t, clock_res_get, uint32_t id, uint32_t to)
{
    uint64_t *resolution = wasi_memory(to, sizeof(*resolution));

    if (id > WASI_CLOCK_MONOTONIC)
        return WASI_INVAL;
    if (resolution == WASI_NOWHERE)
        return WASI_FAULT;
    *resolution = 1;
    return WASI_SUCCESS;
}

DEFINE(uint32_t, clock_time_get, uint32_t id, uint64_t precision, uint32_t to)
{
    uint64_t *time = wasi_memory(to, sizeof(*time));

    if (id > WASI_CLOCK_MONOTONIC)
        return WASI_INVAL;
    if (time == WASI_NOWHERE)
        return WASI_FAULT;
    *time = id == WASI_CLOCK_REALTIME ? foreign_wall_clock() : foreign_system_time();
    return WASI_SUCCESS;
}

/* Randomness: the processor's, where it has some; else its time stamp, which is enough for a hash table only ----- */

static bool has_rdrand(void)
{
    uint32_t eax = 1, ebx, ecx = 0, edx;

    __asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    return ecx >> 30 & 1;
}

static uint64_t random_word(bool rdrand)
{
    static uint64_t state;
    uint64_t word;

    for (int tries = 0; rdrand && tries < 10; tries++) {
        uint8_t good;

        __asm__ volatile("rdrand %0; setc %1" : "=r"(word), "=q"(good) : : "cc");
        if (good)
            return word;
    }
    word = state += rdtsc() | 1;
    word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
    word = (word ^ word >> 27) * 0x94d049bb133111eb;
    return word ^ word >> 31;
}

DEFINE(uint32_t, random_get, uint32_t to, uint32_t size)
{
    uint8_t *bytes = wasi_memory(to, size);
    bool rdrand = has_rdrand();

    if (bytes == WASI_NOWHERE)
        return WASI_FAULT;
    for (uint64_t word = 0, i = 0; i < size; i++, word >>= 8) {
        if (i % 8 == 0)
            word = random_word(rdrand);
        bytes[i] = word;
    }
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
    now = foreign_wall_clock() - foreign_system_time();
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

DEFINE(uint32_t, poll_oneoff, uint32_t waits_at, uint32_t events_at, uint32_t count, uint32_t done_at)
{
    const struct wasi_subscription *waits = wasi_memory(waits_at, (uint64_t)count * sizeof(*waits));
    struct wasi_event *events = wasi_memory(events_at, (uint64_t)count * sizeof(*events));
    uint32_t *done = wasi_memory(done_at, sizeof(*done));
    uint64_t begin = foreign_system_time();

    if (!count)
        return WASI_INVAL;
    if (waits == WASI_NOWHERE || events == WASI_NOWHERE || done == WASI_NOWHERE)
        return WASI_FAULT;
    wasi_flush(); /* a prompt is to be seen before it is answered */
    for (;;) {
        uint64_t now = foreign_system_time(), first = ~0ul;

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
        foreign_wait(first == ~0ul ? 0 : first);
    }
}
