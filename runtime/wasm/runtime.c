/*
 * The lowered module's memory, and what its imports of module "env" do.
 */
#include "lowered.h"
#include "module.h"

#define WASM_PAGE 0x10000ul

u32 memory_pages;

uint32_t wasm_initial_bytes(void)
{
    return module_initial_pages * WASM_PAGE;
}

u32 memory_grow(u32 pages, u32 most)
{
    u32 old = memory_pages;
    u64 wanted = (u64)old + pages;

    if (wanted > most || !linear_grow(old * WASM_PAGE, wanted * WASM_PAGE))
        return -1;
    memory_pages = wanted;
    return old;
}

/* env.abort(message, fileName, lineNumber, columnNumber): AssemblyScript's strings, or null. */
static void record_field(uint32_t string)
{
    if (string)
        record_utf16((const uint16_t *)(uintptr_t)string, *(const uint32_t *)(uintptr_t)(string - 4) / 2);
}

void import_env_abort(uint32_t message, uint32_t file, uint32_t line, uint32_t column);

void import_env_abort(uint32_t message, uint32_t file, uint32_t line, uint32_t column)
{
    const uint64_t *frame = __builtin_frame_address(0);

    record_begin("abort");
    record_text("file=");
    record_field(file);
    record_text(" line=");
    record_decimal(line);
    record_text(" column=");
    record_decimal(column);
    record_backtrace(frame[1], frame[0]);
    record_text(" text=");
    record_field(message);
    record_end();
    crash("abort", NULL, frame[1], frame[0]);
}

void record_string(uint32_t kind, uint32_t kind_units, uint32_t text, uint32_t text_units)
{
    char name[16];
    uint32_t i;

    for (i = 0; i < kind_units && i < sizeof(name) - 1; i++)
        name[i] = ((const uint16_t *)(uintptr_t)kind)[i];
    name[i] = 0;
    record_line(name, (const uint16_t *)(uintptr_t)text, text_units);
}
