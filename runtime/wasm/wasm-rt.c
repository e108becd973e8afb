/*
 * The lowered module's memory and tables, and what its imports of module "env" do.
 */
#include "wasm-rt.h"

#define WASM_PAGE 0x10000ul
#define NO (uint32_t)-1 /* memory.grow's and table.grow's own way to say it */

uint32_t wasm_initial_bytes(void)
{
    return module_initial_pages * WASM_PAGE;
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
        return NO;
    memory->pages = old + delta;
    memory->size = memory->pages * WASM_PAGE;
    return old;
}

/* Tables lie behind one another; how much all of them need is known when the image is built. */
uint32_t module_table_used;

static void *table_room(uint32_t elements, uint32_t element_size)
{
    uint8_t *room = module_table_room + module_table_used;

    module_table_used += elements * element_size;
    if (module_table_used > module_table_bytes)
        fatal("the module's tables are larger than it said");
    return room;
}

#define TABLE(type)                                                                                                    \
    void wasm_rt_allocate_##type##_table(wasm_rt_##type##_table_t *table, uint32_t elements, uint32_t max_elements)    \
    {                                                                                                                  \
        uint32_t growth = max_elements - elements;                                                                     \
                                                                                                                       \
        if (growth > module_table_growth)                                                                              \
            growth = module_table_growth;                                                                              \
        table->size = elements;                                                                                        \
        table->max_size = elements + growth;                                                                           \
        table->data = table_room(table->max_size, sizeof(*table->data));                                               \
        __builtin_memset(table->data, 0, table->max_size * sizeof(*table->data));                                      \
    }                                                                                                                  \
                                                                                                                       \
    uint32_t wasm_rt_grow_##type##_table(wasm_rt_##type##_table_t *table, uint32_t delta, wasm_rt_##type##_t value)    \
    {                                                                                                                  \
        uint32_t old = table->size;                                                                                    \
                                                                                                                       \
        if (delta > table->max_size - old)                                                                             \
            return NO;                                                                                                 \
        for (uint32_t i = 0; i < delta; i++)                                                                           \
            table->data[old + i] = value;                                                                              \
        table->size += delta;                                                                                          \
        return old;                                                                                                    \
    }
TABLE(funcref)
TABLE(externref)

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
    crash("abort", NULL, frame[1], frame[0]);
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
