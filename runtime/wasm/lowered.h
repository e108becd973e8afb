/*
 * What the C that a Wasm module is lowered to (src/host/build/lower/emit) is written in: its types, its traps, and what
 * each instruction does for which C has no operator. By concern: memory.h, numeric.h, simd.h, tables.h.
 *
 * Linear memory is mapped at virtual address 0 (boot/layout.h), so a Wasm pointer is an address: no base register, no
 * bounds check; the page tables trap.
 */
#ifndef XENLET_LOWERED_H
#define XENLET_LOWERED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int8_t s8;
typedef uint8_t u8;
typedef int16_t s16;
typedef uint16_t u16;
typedef int32_t s32;
typedef uint32_t u32;
typedef int64_t s64;
typedef uint64_t u64;
typedef float f32;
typedef double f64;
typedef u64 v128 __attribute__((vector_size(16)));

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define OP(result) static inline __attribute__((always_inline, unused)) result

/* string.c */
void *memcpy(void *, const void *, size_t);
void *memmove(void *, const void *, size_t);
void *memset(void *, int, size_t);
int memcmp(const void *, const void *, size_t);

/* The order is wasm_traps' in boot/traps.c. */
enum wasm_trap {
    WASM_TRAP_UNREACHABLE,
    WASM_TRAP_OOB,
    WASM_TRAP_DIV_BY_ZERO,
    WASM_TRAP_INT_OVERFLOW,
    WASM_TRAP_INVALID_CONVERSION,
    WASM_TRAP_TABLE_OOB,
    WASM_TRAP_INDIRECT_NULL,
    WASM_TRAP_INDIRECT_TYPE,
    WASM_TRAP_OUT_OF_MEMORY,
};

/* The trap is where the check is: #UD with the kind in the byte after it, read by trap() (boot/traps.c). */
#define TRAP(kind)                                                                                                     \
    ({                                                                                                                 \
        __asm__ volatile("ud2; .byte %c0" : : "i"(WASM_TRAP_##kind) : "memory");                                       \
        __builtin_unreachable();                                                                                       \
    })

/* How gdb finds a function's callers. With -fexceptions gcc would put it into .eh_frame, which the link discards. */
__asm__(".cfi_sections .debug_frame");

/* Something with a line in a loop that nothing leaves. */
#define ENDLESS __asm__ volatile("")

/* Operands are below 2^32: their sum cannot wrap. */
#define CHECK_RANGE(size, start, length, kind)                                                                         \
    do {                                                                                                               \
        if (UNLIKELY((u64)(start) + (length) > (size)))                                                                \
            TRAP(kind);                                                                                                \
    } while (0)

#include "memory.h"
#include "numeric.h"
#ifdef __SSE2__ /* not where a trap must not touch the guest's registers */
#include "simd.h"
#endif
#include "tables.h"

/* The imports of module "xen", inlined where they are called. */
#include "intrinsics.h"

#endif
