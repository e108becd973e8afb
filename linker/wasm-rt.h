/*
 * What the C that wasm2c writes (wabt 1.0.39) asks of its runtime, for one module that owns the machine.
 *
 * Linear memory is mapped at virtual address 0 (boot/layout.h), so a Wasm pointer is an address: no base
 * register, no bounds check; the page tables trap. wasm2c has one option that addresses memory without
 * going through its memory structure, "segue", meant for a segment register; with the segment made empty
 * it is exactly this.
 */
#ifndef WASM_RT_H_
#define WASM_RT_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define WABT_BIG_ENDIAN 0

#define WASM_RT_MEMCHECK_GUARD_PAGES 1
#define WASM_RT_STACK_DEPTH_COUNT 0 /* the native stack's guard page traps */
#define WASM_RT_SANITY_CHECKS 0
#define WASM_RT_NONCONFORMING_UNCHECKED_STACK_EXHAUSTION 0

#define WASM_RT_USE_SEGUE 1
#define WASM_RT_SEGUE_FREE_SEGMENT 0
#define __seg_gs
#define wasm_rt_fsgsbase_inst_supported 1
#define __builtin_ia32_rdgsbase64() 0
#define __builtin_ia32_wrgsbase64(base) ((void)(base))
static inline void *wasm_rt_syscall_get_segue_base(void) { return NULL; }
static inline void wasm_rt_syscall_set_segue_base(void *base) { (void)base; }

#define wasm_rt_memcpy __builtin_memcpy
#define wasm_rt_is_initialized() true

/* The order is wasm_traps' in boot/traps.c. */
typedef enum {
    WASM_RT_TRAP_UNREACHABLE,
    WASM_RT_TRAP_OOB,
    WASM_RT_TRAP_DIV_BY_ZERO,
    WASM_RT_TRAP_INT_OVERFLOW,
    WASM_RT_TRAP_INVALID_CONVERSION,
    WASM_RT_TRAP_CALL_INDIRECT,
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
typedef void (*wasm_rt_tailcallee_fn_t)(void **instance, void *arguments, void *next);
typedef struct wasm_rt_tailcallee_t {
    wasm_rt_tailcallee_fn_t fn;
} wasm_rt_tailcallee_t;

/* A type is named by a digest of its signature, 32 bytes, or by the address of one. */
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

/* The imports, inlined where they are called. */
#include "intrinsics.h"

#endif
