/*
 * Between kernels.ts and its twins, which are C and nothing else: memory, and the clock around a run.
 */
#include "guest.h"

#define ARENA_BYTES (2 << 20)

uint32_t kernels_checked(uint32_t index);
uint32_t kernels_bare(uint32_t index);
_Noreturn void check_failed(uint32_t line);
void *twin_alloc(uint32_t bytes);

static uint64_t ticks;

void check_failed(uint32_t line)
{
    (void)line;
    fatal("a check of a twin's failed");
}

void *twin_alloc(uint32_t bytes)
{
    static uint8_t arena[ARENA_BYTES] __attribute__((aligned(16)));
    static uint32_t used;
    void *room = arena + used;

    used += (bytes + 15) & ~15u;
    if (used > ARENA_BYTES)
        fatal("the twins' arena is too small");
    return room;
}

/* Runs one; its instructions are twin_ticks()'s. */
uint32_t import_native_twin(uint32_t kernel, uint32_t checked)
{
    uint64_t start = rdtsc();
    uint32_t result = checked ? kernels_checked(kernel) : kernels_bare(kernel);

    ticks = rdtsc() - start;
    return result;
}

uint64_t import_native_twin_ticks(void)
{
    return ticks;
}
