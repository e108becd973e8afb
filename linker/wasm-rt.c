/*
 * The lowered module's runtime: its memory, its tables, its entry, and what C expects to find.
 */
#include "wasm-rt.h"

#define WASM_PAGE 0x10000ul

/* Written by the lowering: the module's own header and what it has (src/image/lower.ts). */
#include "module.h"

static w2c_guest instance;

uint32_t wasm_initial_bytes(void)
{
    return MODULE_INITIAL_PAGES * WASM_PAGE;
}

void wasm_main(void)
{
    wasm2c_guest_instantiate(&instance MODULE_IMPORT_ARGUMENTS);
    MODULE_START(&instance);
    for (;;)
        shutdown(SHUTDOWN_crash);
}

void wasm_rt_allocate_memory(wasm_rt_memory_t *memory, uint64_t pages, uint64_t max_pages, bool is64,
                             uint32_t page_size)
{
    (void)is64;
    (void)page_size;
    /* Mapped already, and filled by the loader: memory_init (boot/memory.c), section .linear. */
    memory->data = NULL;
    memory->pages = pages;
    memory->max_pages = max_pages;
    memory->size = pages * WASM_PAGE;
}

uint64_t wasm_rt_grow_memory(wasm_rt_memory_t *memory, uint64_t delta)
{
    uint64_t old = memory->pages;

    if (delta > memory->max_pages - old || !linear_grow(memory->size, (old + delta) * WASM_PAGE))
        return 0xffffffff; /* memory.grow's own way to say no */
    memory->pages = old + delta;
    memory->size = memory->pages * WASM_PAGE;
    return old;
}

/* Tables have the size the module declares, and AssemblyScript's never grow. */
void wasm_rt_allocate_funcref_table(wasm_rt_funcref_table_t *table, uint32_t elements, uint32_t max_elements)
{
    static wasm_rt_funcref_t storage[MODULE_TABLE_ELEMENTS];

    (void)max_elements;
    table->data = storage;
    table->size = table->max_size = elements;
}

/* env.abort(message, fileName, lineNumber, columnNumber): AssemblyScript's strings, or null. */
static void record_field(uint32_t string)
{
    if (string)
        record_utf16((const uint16_t *)(uintptr_t)string, *(const uint32_t *)(uintptr_t)(string - 4) / 2);
}

void w2c_env_abort(struct w2c_env *env, uint32_t message, uint32_t file, uint32_t line, uint32_t column);

void w2c_env_abort(struct w2c_env *env, uint32_t message, uint32_t file, uint32_t line, uint32_t column)
{
    const uint64_t *frame = __builtin_frame_address(0);

    (void)env;
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
    shutdown(SHUTDOWN_crash);
}

void record_string(uint32_t kind, uint32_t kind_units, uint32_t text, uint32_t text_units)
{
    char name[16];
    uint32_t i;

    for (i = 0; i < kind_units && i < sizeof(name) - 1; i++)
        name[i] = ((const uint16_t *)(uintptr_t)kind)[i];
    name[i] = 0;
    record_begin(name);
    record_utf16((const uint16_t *)(uintptr_t)text, text_units);
    record_end();
}
