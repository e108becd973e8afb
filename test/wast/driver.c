/*
 * Goes through the steps of all scripts, in one guest: instantiates modules, calls what they export, and compares.
 * What is not as it should be is a record of its own; how many were, the last one says.
 */
#include "driver.h"

#include "boot.h"
#include "caught.h"
#include "remap.h"

const uint32_t module_initial_pages = 0;
const bool linear_page_zero = true, module_knows_xen = false;

#define MOST_RESULTS 32

static const struct wast_step *step;
static union wast_value results[MOST_RESULTS];

static void instantiate(void)
{
    u32 pages = memory_pages;

    step->instantiate();
    if (!step->memory) /* the memory that is there is another module's */
        memory_pages = pages;
}

static void call(void)
{
    step->call(step->arguments, results);
}

static const char *run(void)
{
    u64 bytes = (u64)step->pages << 16, start = 0;

    if (step->call)
        return call_caught(call);
    if (step->memory) {
        linear_remap(bytes);
        __asm__ volatile("rep stosb" : "+D"(start), "+c"(bytes) : "a"(0) : "memory");
    }
    return call_caught(instantiate);
}

static bool same(const char *a, const char *b)
{
    if (!a || !b)
        return a == b;
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

static bool as_expected(const char *trap)
{
    if (!same(trap, step->trap))
        return false;
    for (u32 i = 0; !trap && i < step->result_count; i++)
        for (u32 half = 0; half < 2; half++)
            if ((results[i].bits[half] & step->results[i].mask[half]) != step->results[i].bits[half])
                return false;
    return true;
}

static void say_wrong(const char *trap)
{
    record_begin("wrong");
    record_text("step=");
    record_decimal(step->number);
    record_text(" trap=");
    record_text(trap ? trap : "none");
    for (u32 i = 0; !trap && i < step->result_count; i++) {
        record_text(" result=");
        record_hex(results[i].bits[1]);
        record_char(',');
        record_hex(results[i].bits[0]);
    }
    record_end();
}

_Noreturn void wasm_main(void);

_Noreturn void wasm_main(void)
{
    u32 right = 0;

    record_begin("boot");
    record_text("stage=runtime");
    record_end();
    for (u32 script = 0; script < wast_script_count; script++)
        for (u32 i = 0; i < wast_scripts[script]->count; i++) {
            step = &wast_scripts[script]->steps[i];
            __builtin_memset(results, 0, sizeof(results));
            const char *trap = run();
            if (as_expected(trap))
                right++;
            else
                say_wrong(trap);
        }
    record_begin("right");
    record_text("count=");
    record_decimal(right);
    record_end();
    record_begin("exit");
    record_text("code=0");
    record_end();
    shutdown(SHUTDOWN_poweroff);
}
