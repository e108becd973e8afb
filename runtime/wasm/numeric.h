/*
 * Numeric instructions for which C has no operator, by their names.
 *
 * https://webassembly.github.io/spec/core/exec/numerics.html
 */
#ifndef XENLET_WASM_NUMERIC_H
#define XENLET_WASM_NUMERIC_H

/* Integers ---------------------------------------------------------------------------------------------------- */

#define INTEGER(i, type, signed_type, least, bits, builtin_suffix)                                                     \
    OP(type) i##_div_s(type a, type b)                                                                                 \
    {                                                                                                                  \
        if (UNLIKELY(b == 0))                                                                                          \
            TRAP(DIV_BY_ZERO);                                                                                         \
        if (UNLIKELY((signed_type)a == least && (signed_type)b == -1))                                                 \
            TRAP(INT_OVERFLOW);                                                                                        \
        return (signed_type)a / (signed_type)b;                                                                        \
    }                                                                                                                  \
    OP(type) i##_rem_s(type a, type b)                                                                                 \
    {                                                                                                                  \
        if (UNLIKELY(b == 0))                                                                                          \
            TRAP(DIV_BY_ZERO);                                                                                         \
        if (UNLIKELY((signed_type)b == -1)) /* idiv traps where Wasm has 0 */                                          \
            return 0;                                                                                                  \
        return (signed_type)a % (signed_type)b;                                                                        \
    }                                                                                                                  \
    OP(type) i##_div_u(type a, type b)                                                                                 \
    {                                                                                                                  \
        if (UNLIKELY(b == 0))                                                                                          \
            TRAP(DIV_BY_ZERO);                                                                                         \
        return a / b;                                                                                                  \
    }                                                                                                                  \
    OP(type) i##_rem_u(type a, type b)                                                                                 \
    {                                                                                                                  \
        if (UNLIKELY(b == 0))                                                                                          \
            TRAP(DIV_BY_ZERO);                                                                                         \
        return a % b;                                                                                                  \
    }                                                                                                                  \
    OP(type) i##_rotl(type x, type n) { return x << (n & (bits - 1)) | x >> (-n & (bits - 1)); }                       \
    OP(type) i##_rotr(type x, type n) { return x >> (n & (bits - 1)) | x << (-n & (bits - 1)); }                       \
    OP(type) i##_clz(type x) { return x ? __builtin_clz##builtin_suffix(x) : bits; }                                   \
    OP(type) i##_ctz(type x) { return x ? __builtin_ctz##builtin_suffix(x) : bits; }                                   \
    OP(type) i##_popcnt(type x) { return __builtin_popcount##builtin_suffix(x); }
INTEGER(i32, u32, s32, INT32_MIN, 32, )
INTEGER(i64, u64, s64, INT64_MIN, 64, ll)

/* Floating point ---------------------------------------------------------------------------------------------- */

#define REINTERPRET(name, from, to)                                                                                    \
    OP(to) name(from value)                                                                                            \
    {                                                                                                                  \
        union { from before; to after; } bits = {.before = value};                                                     \
                                                                                                                       \
        return bits.after;                                                                                             \
    }
REINTERPRET(f32_reinterpret_i32, u32, f32)
REINTERPRET(i32_reinterpret_f32, f32, u32)
REINTERPRET(f64_reinterpret_i64, u64, f64)
REINTERPRET(i64_reinterpret_f64, f64, u64)

/*
 * What the specification leaves open of a NaN is its sign and payload, and only where an operation makes one: the
 * result of arithmetic is quiet, whatever came in. Functions that x86 has no instruction for see to it themselves.
 */
#ifdef __SSE4_1__ /* roundsd and roundss: an instruction each */
#define ROUND(name, x) __builtin_##name(x)
#else
double floor(double), ceil(double), trunc(double), nearbyint(double); /* math.c */
float floorf(float), ceilf(float), truncf(float), nearbyintf(float);
#define ROUND(name, x) name(x)
#endif
#define FLOAT(f, i, type, bits_type, suffix, quiet_bit, sign_bit)                                                      \
    OP(type) f##_quieted(type nan) { return f##_reinterpret_##i(i##_reinterpret_##f(nan) | quiet_bit); }               \
    OP(type) f##_quiet(type x) { return UNLIKELY(x != x) ? f##_quieted(x) : x; }                                       \
    OP(type) f##_floor(type x) { return UNLIKELY(x != x) ? f##_quieted(x) : ROUND(floor##suffix, x); }                        \
    OP(type) f##_ceil(type x) { return UNLIKELY(x != x) ? f##_quieted(x) : ROUND(ceil##suffix, x); }                          \
    OP(type) f##_trunc(type x) { return UNLIKELY(x != x) ? f##_quieted(x) : ROUND(trunc##suffix, x); }                        \
    OP(type) f##_nearest(type x) { return UNLIKELY(x != x) ? f##_quieted(x) : ROUND(nearbyint##suffix, x); }                  \
    OP(type) f##_sqrt(type x) { return __builtin_sqrt##suffix(x); }                                                    \
    /* These three are operations on bits, NaN or not. */                                                              \
    OP(type) f##_abs(type x) { return f##_reinterpret_##i(i##_reinterpret_##f(x) & ~sign_bit); }                       \
    OP(type) f##_neg(type x) { return f##_reinterpret_##i(i##_reinterpret_##f(x) ^ sign_bit); }                        \
    OP(type) f##_copysign(type x, type y)                                                                              \
    {                                                                                                                  \
        return f##_reinterpret_##i((i##_reinterpret_##f(x) & ~sign_bit) | (i##_reinterpret_##f(y) & sign_bit));        \
    }                                                                                                                  \
    OP(type) f##_min(type a, type b)                                                                                   \
    {                                                                                                                  \
        if (UNLIKELY(a != a))                                                                                          \
            return f##_quieted(a);                                                                                     \
        if (UNLIKELY(b != b))                                                                                          \
            return f##_quieted(b);                                                                                     \
        if (a == b) /* -0 is less than +0 */                                                                           \
            return f##_reinterpret_##i(i##_reinterpret_##f(a) | i##_reinterpret_##f(b));                               \
        return a < b ? a : b;                                                                                          \
    }                                                                                                                  \
    OP(type) f##_max(type a, type b)                                                                                   \
    {                                                                                                                  \
        if (UNLIKELY(a != a))                                                                                          \
            return f##_quieted(a);                                                                                     \
        if (UNLIKELY(b != b))                                                                                          \
            return f##_quieted(b);                                                                                     \
        if (a == b)                                                                                                    \
            return f##_reinterpret_##i(i##_reinterpret_##f(a) & i##_reinterpret_##f(b));                               \
        return a > b ? a : b;                                                                                          \
    }
FLOAT(f32, i32, f32, u32, f, 0x00400000u, 0x80000000u)
FLOAT(f64, i64, f64, u64, , 0x0008000000000000u, 0x8000000000000000u)

OP(f32) f32_demote_f64(f64 x) { return (f32)f64_quiet(x); }
OP(f64) f64_promote_f32(f32 x) { return (f64)f32_quiet(x); }

/*
 * An integer's conversion. gcc knows that the result is no NaN, folds its comparison with itself, and removes what is
 * then unused, loads too: remove_prop_source_from_use() of gcc 12's tree-ssa-forwprop.cc does not look at
 * -fno-delete-dead-exceptions. So it is not to know. A constant may be folded: no load led to it.
 */
#define CONVERT(name, type, operand, through)                                                                          \
    OP(type) name(operand value)                                                                                       \
    {                                                                                                                  \
        type x = (through)value;                                                                                       \
                                                                                                                       \
        if (!__builtin_constant_p(x))                                                                                  \
            __asm__("" : "+x"(x));                                                                                     \
        return x;                                                                                                      \
    }
#define CONVERSIONS(f)                                                                                                 \
    CONVERT(f##_convert_i32_s, f, u32, s32)                                                                            \
    CONVERT(f##_convert_i32_u, f, u32, u32)                                                                            \
    CONVERT(f##_convert_i64_s, f, u64, s64)                                                                            \
    CONVERT(f##_convert_i64_u, f, u64, u64)
CONVERSIONS(f32)
CONVERSIONS(f64)

/*
 * Truncation: everything strictly between `below` and `above`, both exact in the operand's type, has a result; the
 * first test's operator says so where the least result itself is exact.
 */
#define TRUNCATE(name, result, through, operand, least_test, above, least, most)                                       \
    OP(result) name(operand x)                                                                                         \
    {                                                                                                                  \
        if (UNLIKELY(x != x))                                                                                          \
            TRAP(INVALID_CONVERSION);                                                                                  \
        if (UNLIKELY(!(x least_test && x < above)))                                                                    \
            TRAP(INT_OVERFLOW);                                                                                        \
        return (through)x;                                                                                             \
    }
#define TRUNCATE_SATURATED(name, result, through, operand, least_test, above, least, most)                             \
    OP(result) name(operand x)                                                                                         \
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
    define(i32_trunc##infix##_f32_s, u32, s32, f32, >= -0x1p31f, 0x1p31f, INT32_MIN, INT32_MAX)                        \
    define(i32_trunc##infix##_f64_s, u32, s32, f64, > -0x1.00000002p31, 0x1p31, INT32_MIN, INT32_MAX)                  \
    define(i64_trunc##infix##_f32_s, u64, s64, f32, >= -0x1p63f, 0x1p63f, INT64_MIN, INT64_MAX)                        \
    define(i64_trunc##infix##_f64_s, u64, s64, f64, >= -0x1p63, 0x1p63, INT64_MIN, INT64_MAX)                          \
    define(i32_trunc##infix##_f32_u, u32, u32, f32, > -1, 0x1p32f, 0, UINT32_MAX)                                      \
    define(i32_trunc##infix##_f64_u, u32, u32, f64, > -1, 0x1p32, 0, UINT32_MAX)                                       \
    define(i64_trunc##infix##_f32_u, u64, u64, f32, > -1, 0x1p64f, 0, UINT64_MAX)                                      \
    define(i64_trunc##infix##_f64_u, u64, u64, f64, > -1, 0x1p64, 0, UINT64_MAX)
TRUNCATIONS(TRUNCATE, )
TRUNCATIONS(TRUNCATE_SATURATED, _sat)

#endif
