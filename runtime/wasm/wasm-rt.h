/*
 * The runtime that the C which wasm2c (wabt 1.0.39) writes is built on, for one module that owns the machine: its
 * types, its traps, its memory and its tables. What each instruction does is in wasm-ops.h.
 *
 * Linear memory is mapped at virtual address 0 (boot/layout.h), so a Wasm pointer is an address: no base register,
 * no bounds check; the page tables trap.
 */
#ifndef WASM_RT_H_
#define WASM_RT_H_

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define INFINITY __builtin_inff()
#define assert(condition) ((void)0) /* that the runtime was initialised, which here it always is */
#define static_assert(condition) _Static_assert(condition, "wasm2c")
#define wasm_rt_memcpy __builtin_memcpy
#define wasm_rt_is_initialized() true

/* runtime/wasm/string.c */
void *memcpy(void *, const void *, size_t);
void *memmove(void *, const void *, size_t);
void *memset(void *, int, size_t);
int memcmp(const void *, const void *, size_t);

/* The order is wasm_traps' in boot/traps.c. */
typedef enum {
    WASM_RT_TRAP_UNREACHABLE,
    WASM_RT_TRAP_OOB,
    WASM_RT_TRAP_DIV_BY_ZERO,
    WASM_RT_TRAP_INT_OVERFLOW,
    WASM_RT_TRAP_INVALID_CONVERSION,
    WASM_RT_TRAP_TABLE_OOB,
    WASM_RT_TRAP_INDIRECT_NULL,
    WASM_RT_TRAP_INDIRECT_TYPE,
    WASM_RT_TRAP_OUT_OF_MEMORY,
} wasm_rt_trap_t;

/* The trap is where the check is: #UD with the kind in the byte behind it, read by trap() (boot/traps.c). */
#define wasm_rt_trap(code)                                                                                             \
    ({                                                                                                                 \
        __asm__ volatile("ud2; .byte %c0" : : "i"(code) : "memory");                                                   \
        __builtin_unreachable();                                                                                       \
    })

typedef enum {
    WASM_RT_I32,
    WASM_RT_I64,
    WASM_RT_F32,
    WASM_RT_F64,
    WASM_RT_V128,
    WASM_RT_FUNCREF,
    WASM_RT_EXTERNREF,
} wasm_rt_type_t;

typedef struct {
    uint8_t *data; /* always 0: a pointer is an address */
    uint64_t pages, max_pages, size;
} wasm_rt_memory_t;

typedef void (*wasm_rt_function_ptr_t)(void);

/* A tail call puts its arguments into a buffer and says whom its caller's caller shall call next. */
typedef struct wasm_rt_tailcallee_t {
    void (*fn)(void **instance, void *arguments, struct wasm_rt_tailcallee_t *next);
} wasm_rt_tailcallee_t;

/* A type is named by a digest of its signature, or by the address of one. */
#define FUNC_TYPE_SIZE 32
typedef const char *wasm_rt_func_type_t;

typedef struct {
    wasm_rt_func_type_t func_type;
    wasm_rt_function_ptr_t func;
    wasm_rt_tailcallee_t func_tailcallee;
    void *module_instance;
} wasm_rt_funcref_t;
typedef void *wasm_rt_externref_t;

#define wasm_rt_funcref_null_value ((wasm_rt_funcref_t){0})
#define wasm_rt_externref_null_value ((wasm_rt_externref_t)0)

typedef struct {
    wasm_rt_funcref_t *data;
    uint32_t max_size, size;
} wasm_rt_funcref_table_t;

typedef struct {
    wasm_rt_externref_t *data;
    uint32_t max_size, size;
} wasm_rt_externref_table_t;

void wasm_rt_allocate_memory(wasm_rt_memory_t *, uint64_t pages, uint64_t max_pages, bool is64, uint32_t page_size);
uint64_t wasm_rt_grow_memory(wasm_rt_memory_t *, uint64_t delta);
void wasm_rt_allocate_funcref_table(wasm_rt_funcref_table_t *, uint32_t elements, uint32_t max_elements);
uint32_t wasm_rt_grow_funcref_table(wasm_rt_funcref_table_t *, uint32_t delta, wasm_rt_funcref_t init);
void wasm_rt_allocate_externref_table(wasm_rt_externref_table_t *, uint32_t elements, uint32_t max_elements);
uint32_t wasm_rt_grow_externref_table(wasm_rt_externref_table_t *, uint32_t delta, wasm_rt_externref_t init);
static inline void wasm_rt_free_memory(wasm_rt_memory_t *memory) { (void)memory; }
static inline void wasm_rt_free_funcref_table(wasm_rt_funcref_table_t *table) { (void)table; }
static inline void wasm_rt_free_externref_table(wasm_rt_externref_table_t *table) { (void)table; }

/* What the runtime is told of the module: module.c. */
extern const uint32_t module_initial_pages;
/* Room for the tables' elements, and by how many each may grow. */
extern uint8_t module_table_room[];
extern const uint32_t module_table_bytes, module_table_growth;
extern uint32_t module_table_used; /* wasm-rt.c: how much of the room has an owner, in bytes */

/* The imports, inlined where they are called. */
#include "intrinsics.h"

#endif
