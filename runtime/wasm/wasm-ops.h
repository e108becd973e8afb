/*
 * What each Wasm instruction is in C, by the names that wasm2c (wabt 1.0.39) calls them. wasm2c brings a header of
 * its own for this at the top of every file that it writes; src/host/build/lower/lower.ts cuts that off and includes this
 * one, because here
 *
 * - a pointer is an address (boot/layout.h): an access is one instruction, and the page tables check it;
 * - each kind of trap is told apart;
 * - whether a load whose result nobody uses may go is a choice of the build.
 *
 * https://webassembly.github.io/spec/core/exec/numerics.html is what the arithmetic has to agree with.
 */
#ifndef XENLET_WASM_OPS_H
#define XENLET_WASM_OPS_H

#include "wasm-rt.h"

#define OP(result) static inline __attribute__((always_inline, unused)) result

/* In an expression; in a statement it is the same. */
#define TRAP(kind) (wasm_rt_trap(WASM_RT_TRAP_##kind), 0)
#define UNREACHABLE TRAP(UNREACHABLE)
#define FUNC_PROLOGUE
#define FUNC_EPILOGUE

/* Memory ------------------------------------------------------------------------------------------------------ */

/*
 * Linear memory, to the compiler: of any type, unaligned, and nothing of the C around it. An access that may be to
 * an object's header in AssemblyScript's heap (src/host/build/lower/lowered-c.ts finds them) is of a type of its own: an object's
 * length is not written through its elements.
 */
#define CELL __attribute__((packed, aligned(1)))
union cell {
    struct CELL { int8_t value; } int8_t_;
    struct CELL { uint8_t value; } uint8_t_;
    struct CELL { int16_t value; } int16_t_;
    struct CELL { uint16_t value; } uint16_t_;
    struct CELL { int32_t value; } int32_t_;
    struct CELL { uint32_t value; } uint32_t_;
    struct CELL { uint64_t value; } uint64_t_;
    struct CELL { float value; } float_;
    struct CELL { double value; } double_;
};
union header {
    struct CELL { uint32_t value; } length;
};
typedef struct CELL { uint32_t value; } __attribute__((may_alias)) any_cell;

#define LOAD(name, memory_type, through, result)                                                                       \
    OP(result) name##_default32(const wasm_rt_memory_t *memory, uint64_t address)                                      \
    {                                                                                                                  \
        (void)memory;                                                                                                  \
        return (through)((const union cell *)address)->memory_type##_.value;                                           \
    }
LOAD(i32_load, uint32_t, uint32_t, uint32_t)
LOAD(i64_load, uint64_t, uint64_t, uint64_t)
LOAD(i32_load8_s, int8_t, int32_t, uint32_t)
LOAD(i64_load8_s, int8_t, int64_t, uint64_t)
LOAD(i32_load8_u, uint8_t, uint32_t, uint32_t)
LOAD(i64_load8_u, uint8_t, uint64_t, uint64_t)
LOAD(i32_load16_s, int16_t, int32_t, uint32_t)
LOAD(i64_load16_s, int16_t, int64_t, uint64_t)
LOAD(i32_load16_u, uint16_t, uint32_t, uint32_t)
LOAD(i64_load16_u, uint16_t, uint64_t, uint64_t)
LOAD(i64_load32_s, int32_t, int64_t, uint64_t)
LOAD(i64_load32_u, uint32_t, uint64_t, uint64_t)
LOAD(f32_load, float, float, float)
LOAD(f64_load, double, double, double)

#define STORE(name, memory_type, operand)                                                                              \
    OP(void) name##_default32(const wasm_rt_memory_t *memory, uint64_t address, operand value)                         \
    {                                                                                                                  \
        (void)memory;                                                                                                  \
        ((union cell *)address)->memory_type##_.value = value;                                                         \
    }
STORE(i32_store, uint32_t, uint32_t)
STORE(i64_store, uint64_t, uint64_t)
STORE(i32_store8, uint8_t, uint32_t)
STORE(i64_store8, uint8_t, uint64_t)
STORE(i32_store16, uint16_t, uint32_t)
STORE(i64_store16, uint16_t, uint64_t)
STORE(i64_store32, uint32_t, uint64_t)
STORE(f32_store, float, float)
STORE(f64_store, double, double)

OP(uint32_t) load_length(uint64_t address) { return ((const union header *)address)->length.value; }
OP(void) store_length(uint64_t address, uint32_t value) { ((any_cell *)address)->value = value; }

/* Bulk operations check before they write a byte. All operands are below 2^32: their sum cannot wrap. */
#define CHECK_RANGE(size, start, length, kind)                                                                         \
    do {                                                                                                               \
        if (UNLIKELY((uint64_t)(start) + (length) > (size)))                                                           \
            TRAP(kind);                                                                                                \
    } while (0)

OP(void) memory_fill(const wasm_rt_memory_t *memory, uint64_t to, uint32_t byte, uint64_t length)
{
    CHECK_RANGE(memory->size, to, length, OOB);
    memset((void *)to, byte, length);
}

OP(void) memory_copy(const wasm_rt_memory_t *to_memory, const wasm_rt_memory_t *from_memory, uint64_t to,
                     uint64_t from, uint64_t length)
{
    CHECK_RANGE(to_memory->size, to, length, OOB);
    CHECK_RANGE(from_memory->size, from, length, OOB);
    memmove((void *)to, (const void *)from, length);
}

OP(void) memory_init(const wasm_rt_memory_t *memory, const uint8_t *segment, uint32_t segment_size, uint64_t to,
                     uint32_t from, uint32_t length)
{
    CHECK_RANGE(segment_size, from, length, OOB);
    CHECK_RANGE(memory->size, to, length, OOB);
    memcpy((void *)to, segment + from, length);
}

/* An active data segment, when the module is instantiated: unless the loader has put it in place already. */
#ifdef WASM_DATA_IS_PLACED
#define LOAD_DATA(memory, to, segment, length) ((void)0)
#else
#define LOAD_DATA(memory, to, segment, length) memory_init(&(memory), segment, length, to, 0, length)
#endif

/* Integers ---------------------------------------------------------------------------------------------------- */

typedef uint8_t u8;
typedef int8_t s8;
typedef uint16_t u16;
typedef int16_t s16;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;
typedef int64_t s64;
typedef float f32;
typedef double f64;
#define WASM_RT_CORE_TYPES_DEFINED

#define INTEGER(I, unsigned_type, signed_type, least, bits, builtin_suffix)                                            \
    OP(unsigned_type) I##_DIV_S(unsigned_type a, unsigned_type b)                                                      \
    {                                                                                                                  \
        if (UNLIKELY(b == 0))                                                                                          \
            TRAP(DIV_BY_ZERO);                                                                                         \
        if (UNLIKELY((signed_type)a == least && (signed_type)b == -1))                                                 \
            TRAP(INT_OVERFLOW);                                                                                        \
        return (signed_type)a / (signed_type)b;                                                                        \
    }                                                                                                                  \
    OP(unsigned_type) I##_REM_S(unsigned_type a, unsigned_type b)                                                      \
    {                                                                                                                  \
        if (UNLIKELY(b == 0))                                                                                          \
            TRAP(DIV_BY_ZERO);                                                                                         \
        if (UNLIKELY((signed_type)b == -1)) /* idiv traps where Wasm has 0 */                                          \
            return 0;                                                                                                  \
        return (signed_type)a % (signed_type)b;                                                                        \
    }                                                                                                                  \
    OP(unsigned_type) I##_ROTL(unsigned_type x, unsigned_type n)                                                       \
    {                                                                                                                  \
        return x << (n & (bits - 1)) | x >> (-n & (bits - 1));                                                         \
    }                                                                                                                  \
    OP(unsigned_type) I##_ROTR(unsigned_type x, unsigned_type n)                                                       \
    {                                                                                                                  \
        return x >> (n & (bits - 1)) | x << (-n & (bits - 1));                                                         \
    }                                                                                                                  \
    OP(unsigned_type) I##_CLZ(unsigned_type x) { return x ? __builtin_clz##builtin_suffix(x) : bits; }                 \
    OP(unsigned_type) I##_CTZ(unsigned_type x) { return x ? __builtin_ctz##builtin_suffix(x) : bits; }                 \
    OP(unsigned_type) I##_POPCNT(unsigned_type x) { return __builtin_popcount##builtin_suffix(x); }
INTEGER(I32, uint32_t, int32_t, INT32_MIN, 32, )
INTEGER(I64, uint64_t, int64_t, INT64_MIN, 64, ll)

/* The type is the operands'. */
#define UNSIGNED_DIVISION(a, operator, b)                                                                              \
    ({                                                                                                                 \
        __typeof__(b) divisor = (b);                                                                                   \
                                                                                                                       \
        if (UNLIKELY(divisor == 0))                                                                                    \
            TRAP(DIV_BY_ZERO);                                                                                         \
        (a) operator divisor;                                                                                          \
    })
#define DIV_U(a, b) UNSIGNED_DIVISION(a, /, b)
#define REM_U(a, b) UNSIGNED_DIVISION(a, %, b)

/* Floating point ---------------------------------------------------------------------------------------------- */

#define REINTERPRET(name, from, to)                                                                                    \
    OP(to) name(from value)                                                                                            \
    {                                                                                                                  \
        union { from before; to after; } bits = {.before = value};                                                     \
                                                                                                                       \
        return bits.after;                                                                                             \
    }
REINTERPRET(f32_reinterpret_i32, uint32_t, float)
REINTERPRET(i32_reinterpret_f32, float, uint32_t)
REINTERPRET(f64_reinterpret_i64, uint64_t, double)
REINTERPRET(i64_reinterpret_f64, double, uint64_t)

/*
 * What the specification leaves open of a NaN is its sign and payload, and only where an operation makes one: the
 * result of arithmetic is quiet, whatever came in. Functions that x86 has no instruction for see to it themselves.
 */
#define FLOAT(f, type, bits_type, quiet_bit, sign_bit)                                                                 \
    OP(bits_type) bits_of##f(type x)                                                                                   \
    {                                                                                                                  \
        union { type before; bits_type after; } bits = {.before = x};                                                  \
                                                                                                                       \
        return bits.after;                                                                                             \
    }                                                                                                                  \
    OP(type) of_bits##f(bits_type x)                                                                                   \
    {                                                                                                                  \
        union { bits_type before; type after; } bits = {.before = x};                                                  \
                                                                                                                       \
        return bits.after;                                                                                             \
    }                                                                                                                  \
    OP(type) quieted##f(type nan) { return of_bits##f(bits_of##f(nan) | quiet_bit); }                                  \
    OP(type) wasm_quiet##f(type x) { return UNLIKELY(x != x) ? quieted##f(x) : x; }                                    \
    OP(type) wasm_floor##f(type x) { return UNLIKELY(x != x) ? quieted##f(x) : floor##f(x); }                          \
    OP(type) wasm_ceil##f(type x) { return UNLIKELY(x != x) ? quieted##f(x) : ceil##f(x); }                            \
    OP(type) wasm_trunc##f(type x) { return UNLIKELY(x != x) ? quieted##f(x) : trunc##f(x); }                          \
    OP(type) wasm_nearbyint##f(type x) { return UNLIKELY(x != x) ? quieted##f(x) : nearbyint##f(x); }                  \
    OP(type) wasm_sqrt##f(type x) { return __builtin_sqrt##f(x); }                                                     \
    /* These three are operations on bits, NaN or not. */                                                              \
    OP(type) wasm_fabs##f(type x) { return of_bits##f(bits_of##f(x) & ~sign_bit); }                                    \
    OP(type) wasm_fneg##f(type x) { return of_bits##f(bits_of##f(x) ^ sign_bit); }                                     \
    OP(type) wasm_copysign##f(type x, type y)                                                                          \
    {                                                                                                                  \
        return of_bits##f((bits_of##f(x) & ~sign_bit) | (bits_of##f(y) & sign_bit));                                   \
    }                                                                                                                  \
    OP(type) wasm_min##f(type a, type b)                                                                               \
    {                                                                                                                  \
        if (UNLIKELY(a != a))                                                                                          \
            return quieted##f(a);                                                                                      \
        if (UNLIKELY(b != b))                                                                                          \
            return quieted##f(b);                                                                                      \
        if (a == b) /* -0 is less than +0 */                                                                           \
            return of_bits##f(bits_of##f(a) | bits_of##f(b));                                                          \
        return a < b ? a : b;                                                                                          \
    }                                                                                                                  \
    OP(type) wasm_max##f(type a, type b)                                                                               \
    {                                                                                                                  \
        if (UNLIKELY(a != a))                                                                                          \
            return quieted##f(a);                                                                                      \
        if (UNLIKELY(b != b))                                                                                          \
            return quieted##f(b);                                                                                      \
        if (a == b)                                                                                                    \
            return of_bits##f(bits_of##f(a) & bits_of##f(b));                                                          \
        return a > b ? a : b;                                                                                          \
    }
double floor(double), ceil(double), trunc(double), nearbyint(double); /* runtime/wasm/math.c */
float floorf(float), ceilf(float), truncf(float), nearbyintf(float);
FLOAT(, double, uint64_t, 0x0008000000000000u, 0x8000000000000000u)
FLOAT(f, float, uint32_t, 0x00400000u, 0x80000000u)

/*
 * What an integer was converted to. gcc knows that it is no NaN, folds its comparison with itself, and removes what is
 * then used by nobody, loads too: remove_prop_source_from_use() of gcc 12's tree-ssa-forwprop.cc does not look at
 * -fno-delete-dead-exceptions. So it is not to know. A constant may be folded: no load led to it.
 */
#define OF_INTEGER(type)                                                                                               \
    OP(type) of_integer_##type(type x)                                                                                 \
    {                                                                                                                  \
        if (!__builtin_constant_p(x))                                                                                  \
            __asm__("" : "+x"(x));                                                                                     \
        return x;                                                                                                      \
    }
OF_INTEGER(f32)
OF_INTEGER(f64)

/* wasm2c has one name for both widths. */
#define BY_WIDTH(x, wide, narrow) __builtin_choose_expr(sizeof(x) == sizeof(double), wide, narrow)
#define FMIN(a, b) BY_WIDTH(a, wasm_min, wasm_minf)(a, b)
#define FMAX(a, b) BY_WIDTH(a, wasm_max, wasm_maxf)(a, b)
#define copysign wasm_copysign
#define copysignf wasm_copysignf

/*
 * Truncation: everything strictly between `below` and `above`, both exact in the operand's type, has a result;
 * `below_trunc` is the operator that says so where the least result itself is exact.
 */
#define TRUNCATE(name, result, through, operand, least_test, above, least, most)                                       \
    OP(result) I##name(operand x)                                                                                      \
    {                                                                                                                  \
        if (UNLIKELY(x != x))                                                                                          \
            TRAP(INVALID_CONVERSION);                                                                                  \
        if (UNLIKELY(!(x least_test && x < above)))                                                                    \
            TRAP(INT_OVERFLOW);                                                                                        \
        return (through)x;                                                                                             \
    }
#define TRUNCATE_SATURATED(name, result, through, operand, least_test, above, least, most)                             \
    OP(result) I##name(operand x)                                                                                      \
    {                                                                                                                  \
        if (UNLIKELY(x != x))                                                                                          \
            return 0;                                                                                                  \
        if (UNLIKELY(!(x least_test)))                                                                                 \
            return least;                                                                                              \
        if (UNLIKELY(!(x < above)))                                                                                    \
            return most;                                                                                               \
        return (through)x;                                                                                             \
    }
#define TRUNCATIONS(define, infix)                                                                                     \
    define(32_TRUNC##infix##_S_F32, uint32_t, int32_t, float, >= -0x1p31f, 0x1p31f, INT32_MIN, INT32_MAX)              \
    define(32_TRUNC##infix##_S_F64, uint32_t, int32_t, double, > -0x1.00000002p31, 0x1p31, INT32_MIN, INT32_MAX)       \
    define(64_TRUNC##infix##_S_F32, uint64_t, int64_t, float, >= -0x1p63f, 0x1p63f, INT64_MIN, INT64_MAX)              \
    define(64_TRUNC##infix##_S_F64, uint64_t, int64_t, double, >= -0x1p63, 0x1p63, INT64_MIN, INT64_MAX)               \
    define(32_TRUNC##infix##_U_F32, uint32_t, uint32_t, float, > -1, 0x1p32f, 0, UINT32_MAX)                           \
    define(32_TRUNC##infix##_U_F64, uint32_t, uint32_t, double, > -1, 0x1p32, 0, UINT32_MAX)                           \
    define(64_TRUNC##infix##_U_F32, uint64_t, uint64_t, float, > -1, 0x1p64f, 0, UINT64_MAX)                           \
    define(64_TRUNC##infix##_U_F64, uint64_t, uint64_t, double, > -1, 0x1p64, 0, UINT64_MAX)
TRUNCATIONS(TRUNCATE, )
TRUNCATIONS(TRUNCATE_SATURATED, _SAT)

/* Tables and calls -------------------------------------------------------------------------------------------- */

#define FUNC_TYPE_T(name) static const char *const name
#define FUNC_TYPE_DECL_EXTERN_T(name) extern const char *const name
#define FUNC_TYPE_EXTERN_T(name) const char *const name
#define WEAK_FUNC_DECL(name, fallback)                                                                                 \
    __attribute__((weak)) void name(void **instance_ptr, void *tail_call_stack, wasm_rt_tailcallee_t *next)

/*
 * Three things may be wrong with an indirect call, and each is a trap of its own. An entry with the wanted type's
 * address is the common case; a null entry has none, and types of equal signature may have two.
 */
#define CHECK_CALL_INDIRECT(table, type, index)                                                                        \
    do {                                                                                                               \
        if (UNLIKELY((index) >= (table).size))                                                                         \
            TRAP(TABLE_OOB);                                                                                           \
        if (UNLIKELY((table).data[index].func_type != (type))) {                                                       \
            if (!(table).data[index].func)                                                                             \
                TRAP(INDIRECT_NULL);                                                                                   \
            if (memcmp((table).data[index].func_type, (type), FUNC_TYPE_SIZE))                                         \
                TRAP(INDIRECT_TYPE);                                                                                   \
        }                                                                                                              \
    } while (0)
#define DO_CALL_INDIRECT(table, signature, index, ...) ((signature)(table).data[index].func)(__VA_ARGS__)
#define CALL_INDIRECT(table, signature, type, index, ...)                                                              \
    ({                                                                                                                 \
        CHECK_CALL_INDIRECT(table, type, index);                                                                       \
        DO_CALL_INDIRECT(table, signature, index, __VA_ARGS__);                                                        \
    })

typedef enum { RefFunc, RefNull, GlobalGet } wasm_elem_segment_expr_type_t;

/* One element of a segment; `module_offset` is that of the instance or global that it needs, in the module's own. */
typedef struct {
    wasm_elem_segment_expr_type_t expr_type;
    wasm_rt_func_type_t type;
    wasm_rt_function_ptr_t func;
    wasm_rt_tailcallee_t func_tailcallee;
    size_t module_offset;
} wasm_elem_segment_expr_t;

OP(wasm_rt_funcref_t) element_value(const wasm_elem_segment_expr_t *element, void *instance)
{
    uint8_t *needed = (uint8_t *)instance + element->module_offset;

    switch (element->expr_type) {
    case RefFunc:
        return (wasm_rt_funcref_t){element->type, element->func, element->func_tailcallee, needed};
    case GlobalGet:
        return **(wasm_rt_funcref_t **)needed;
    default:
        return wasm_rt_funcref_null_value;
    }
}

OP(void) funcref_table_init(wasm_rt_funcref_table_t *table, const wasm_elem_segment_expr_t *segment,
                            uint32_t segment_size, uint64_t to, uint32_t from, uint32_t length, void *instance)
{
    CHECK_RANGE(segment_size, from, length, TABLE_OOB);
    CHECK_RANGE(table->size, to, length, TABLE_OOB);
    for (uint32_t i = 0; i < length; i++)
        table->data[to + i] = element_value(&segment[from + i], instance);
}

/* An externref that a module can make itself is null. */
OP(void) externref_table_init(wasm_rt_externref_table_t *table, uint32_t segment_size, uint64_t to, uint32_t from,
                              uint32_t length)
{
    CHECK_RANGE(segment_size, from, length, TABLE_OOB);
    CHECK_RANGE(table->size, to, length, TABLE_OOB);
    for (uint32_t i = 0; i < length; i++)
        table->data[to + i] = wasm_rt_externref_null_value;
}

#define TABLE(type)                                                                                                    \
    OP(wasm_rt_##type##_t) type##_table_get(const wasm_rt_##type##_table_t *table, uint64_t index)                     \
    {                                                                                                                  \
        CHECK_RANGE(table->size, index, 1, TABLE_OOB);                                                                 \
        return table->data[index];                                                                                     \
    }                                                                                                                  \
    OP(void) type##_table_set(const wasm_rt_##type##_table_t *table, uint64_t index, wasm_rt_##type##_t value)         \
    {                                                                                                                  \
        CHECK_RANGE(table->size, index, 1, TABLE_OOB);                                                                 \
        table->data[index] = value;                                                                                    \
    }                                                                                                                  \
    OP(void) type##_table_fill(const wasm_rt_##type##_table_t *table, uint64_t to, wasm_rt_##type##_t value,           \
                               uint64_t length)                                                                        \
    {                                                                                                                  \
        CHECK_RANGE(table->size, to, length, TABLE_OOB);                                                               \
        for (uint64_t i = to; i < to + length; i++)                                                                    \
            table->data[i] = value;                                                                                    \
    }                                                                                                                  \
    OP(void) type##_table_copy(const wasm_rt_##type##_table_t *to_table, const wasm_rt_##type##_table_t *from_table,   \
                               uint64_t to, uint64_t from, uint64_t length)                                            \
    {                                                                                                                  \
        CHECK_RANGE(to_table->size, to, length, TABLE_OOB);                                                            \
        CHECK_RANGE(from_table->size, from, length, TABLE_OOB);                                                        \
        memmove(to_table->data + to, from_table->data + from, length * sizeof(wasm_rt_##type##_t));                    \
    }
TABLE(funcref)
TABLE(externref)

#endif
