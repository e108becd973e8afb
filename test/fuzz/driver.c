/*
 * Runs the modules of a batch, one after another, in one guest: each gets fresh linear memory, is instantiated, has
 * its exports called, and then its globals and memory are read. All of it goes into a digest that V8's has to
 * equal. With `trace=<number>` on the command line only that module runs, and its digest is said after each step;
 * with `all=1` every call is made, whatever became of the ones before it; with `rounding=up` the processor rounds so.
 *
 * A trap does not end this guest: caught.c takes it back to where the call was made.
 */
#include "driver.h"

#include "caught.h"
#include "remap.h"

const uint32_t module_initial_pages = 0;
const bool linear_page_zero = true, module_knows_xen = false;

static uint32_t digest[2];

static void mix(uint32_t word)
{
    digest[0] = (digest[0] ^ word) * 0x9e3779b1;
    digest[0] ^= digest[0] >> 15;
    digest[1] = ((digest[1] << 7 | digest[1] >> 25) + word) * 0x85ebca6b;
}

/* What the last call came to, for the trace. */
static const char *last_trap;
static uint32_t last_i32;

void saw_i32(uint32_t value)
{
    last_i32 = value;
    mix(value);
}
void saw_i64(uint64_t value) { mix(value); mix(value >> 32); }
/* Any NaN is as good as another. */
void saw_f32(float value) { mix(value != value ? 0x7fc00000 : i32_reinterpret_f32(value)); }
void saw_f64(double value) { saw_i64(value != value ? 0x7ff8000000000000 : i64_reinterpret_f64(value)); }
void saw_funcref(funcref value) { mix(value.code != NULL); }
void saw_externref(externref value) { mix(value != NULL); }

/*
 * Kinds of traps as far as V8's messages tell them apart: outcome.ts has the same numbers.
 *
 * A module's account ends with an access out of bounds. gcc may do it before a plain store that stands before it,
 * or keep a store back, and rightly so: nothing in a guest is left to see it. Every other trap is an asm statement that
 * memory is clobbered by, and what was stored before it has been stored.
 */
#define OUT_OF_BOUNDS 2
static uint32_t trap_class(const char *kind)
{
    static const struct {
        const char *kind;
        uint32_t class;
    } classes[] = {
        {"unreachable", 1}, {"out-of-bounds", OUT_OF_BOUNDS}, {"divide-by-zero", 3}, {"integer-overflow", 4},
        {"invalid-conversion", 4}, {"table-out-of-bounds", 5}, {"indirect-call-null", 6}, {"indirect-call-type", 6},
        {"stack-overflow", 7},
    };

    for (uint32_t i = 0; kind && i < sizeof(classes) / sizeof(*classes); i++) {
        const char *a = kind, *b = classes[i].kind;

        while (*a && *a == *b)
            a++, b++;
        if (*a == *b)
            return classes[i].class;
    }
    return 99;
}

/* Calls `run`; returns 0, or the class of the trap that ended it. */
static uint32_t call_classified(void (*run)(void))
{
    last_trap = call_caught(run);
    return last_trap ? trap_class(last_trap) : 0;
}

static void say(uint32_t number, const char *step, uint32_t call)
{
    record_begin("fuzz");
    record_text("module=");
    record_decimal(number);
    if (step) {
        record_text(" step=");
        record_text(step);
        record_decimal(call);
        record_text(" value=");
        record_decimal(last_i32);
        record_text(" trap=");
        record_text(last_trap ? last_trap : "none");
    }
    record_text(" digest=");
    record_hex(digest[0]);
    record_char(',');
    record_hex(digest[1]);
    record_end();
}

static void see_memory(void)
{
    mix(memory_pages);
    for (uint64_t address = 0; address < MEMORY_BYTES; address += 4) {
        uint32_t word = *(volatile uint32_t *)address;

        if (word) {
            mix(address);
            mix(word);
        }
    }
}

static void run_case(const struct fuzz_case *test, bool trace, bool all)
{
    uint64_t bytes = (uint64_t)test->pages << 16, start = 0;
    uint32_t trap;

    digest[0] = digest[1] = 0;
    linear_remap(bytes);
    __asm__ volatile("rep stosb" : "+D"(start), "+c"(bytes) : "a"(0) : "memory");
    trap = call_classified(test->instantiate);
    mix(trap);
    if (trace)
        say(test->number, "instantiate", 0);
    for (uint32_t i = 0; !trap && i < test->call_count; i++) {
        last_i32 = 0;
        trap = call_classified(test->calls[i]);
        mix(trap);
        if (trace)
            say(test->number, "call", i);
        if (trap != OUT_OF_BOUNDS || all)
            trap = 0;
    }
    if (trap) {
        say(test->number, NULL, 0);
        return;
    }
    test->globals();
    if (trace)
        say(test->number, "globals", 0);
    if (test->memory)
        see_memory();
    say(test->number, NULL, 0);
}

/* Masks as they are at start, and a rounding mode that no guest has. */
static void round_up(void)
{
    uint32_t mxcsr = 0x1f80 | 2 << 13;

    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
}

uint32_t wasm_initial_bytes(void);
_Noreturn void wasm_main(void);

_Noreturn void wasm_main(void)
{
    uint32_t length, wanted = 0;
    const char *number = cmdline_value("trace", &length);

    record_begin("boot");
    record_text("stage=runtime");
    record_end();
    for (uint32_t i = 0; number && i < length; i++)
        wanted = wanted * 10 + (number[i] - '0');
    if (cmdline_value("rounding", &length))
        round_up();
    for (uint32_t i = 0; i < fuzz_case_count; i++)
        if (!number || fuzz_cases[i]->number == wanted)
            run_case(fuzz_cases[i], number, cmdline_value("all", &length));
    record_begin("exit");
    record_text("code=0");
    record_end();
    shutdown(SHUTDOWN_poweroff);
}
