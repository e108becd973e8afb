/*
 * Fixed-width SIMD by gcc's vector types, so that a module runs on every x86-64: SSE2 is all that is asked for, unless the
 * module is built for x86-64-v2. What has no vector instruction is done lane by lane.
 *
 * https://webassembly.github.io/spec/core/exec/numerics.html, https://webassembly.github.io/simd/
 */
#ifndef XENLET_WASM_SIMD_H
#define XENLET_WASM_SIMD_H

#define VECTOR __attribute__((vector_size(16)))
typedef s8 s8x16 VECTOR;
typedef u8 u8x16 VECTOR;
typedef s16 s16x8 VECTOR;
typedef u16 u16x8 VECTOR;
typedef s32 s32x4 VECTOR;
typedef u32 u32x4 VECTOR;
typedef s64 s64x2 VECTOR;
typedef f32 f32x4 VECTOR;
typedef f64 f64x2 VECTOR;
typedef char c8x16 VECTOR; /* what gcc's builtins take */

#define v128_const(low, high) ((v128){low, high})

/* Bits -------------------------------------------------------------------------------------------------------- */

OP(v128) v128_not(v128 a) { return ~a; }
OP(v128) v128_and(v128 a, v128 b) { return a & b; }
OP(v128) v128_andnot(v128 a, v128 b) { return a & ~b; }
OP(v128) v128_or(v128 a, v128 b) { return a | b; }
OP(v128) v128_xor(v128 a, v128 b) { return a ^ b; }
OP(v128) v128_bitselect(v128 a, v128 b, v128 mask) { return (a & mask) | (b & ~mask); }
OP(u32) v128_any_true(v128 a) { return (a[0] | a[1]) != 0; }

/* Lanes ------------------------------------------------------------------------------------------------------- */

OP(v128) i8x16_splat(u32 x) { return (v128)((u8x16){0} + (u8)x); }
OP(v128) i16x8_splat(u32 x) { return (v128)((u16x8){0} + (u16)x); }
OP(v128) i32x4_splat(u32 x) { return (v128)(u32x4){x, x, x, x}; }
OP(v128) i64x2_splat(u64 x) { return (v128){x, x}; }
OP(v128) f32x4_splat(f32 x) { return (v128)(f32x4){x, x, x, x}; }
OP(v128) f64x2_splat(f64 x) { return (v128)(f64x2){x, x}; }

#define i8x16_extract_lane_s(lane, a) ((u32)(s32)((s8x16)(a))[lane])
#define i8x16_extract_lane_u(lane, a) ((u32)((u8x16)(a))[lane])
#define i16x8_extract_lane_s(lane, a) ((u32)(s32)((s16x8)(a))[lane])
#define i16x8_extract_lane_u(lane, a) ((u32)((u16x8)(a))[lane])
#define i32x4_extract_lane(lane, a) (((u32x4)(a))[lane])
#define i64x2_extract_lane(lane, a) ((a)[lane])
#define f32x4_extract_lane(lane, a) (((f32x4)(a))[lane])
#define f64x2_extract_lane(lane, a) (((f64x2)(a))[lane])
#define REPLACED(type, lane, a, x)                                                                                     \
    ({                                                                                                                 \
        type lanes_ = (type)(a);                                                                                       \
                                                                                                                       \
        lanes_[lane] = (x);                                                                                            \
        (v128)lanes_;                                                                                                  \
    })
#define i8x16_replace_lane(lane, a, x) REPLACED(u8x16, lane, a, x)
#define i16x8_replace_lane(lane, a, x) REPLACED(u16x8, lane, a, x)
#define i32x4_replace_lane(lane, a, x) REPLACED(u32x4, lane, a, x)
#define i64x2_replace_lane(lane, a, x) REPLACED(v128, lane, a, x)
#define f32x4_replace_lane(lane, a, x) REPLACED(f32x4, lane, a, x)
#define f64x2_replace_lane(lane, a, x) REPLACED(f64x2, lane, a, x)

#define SHUFFLE(...) ((u8x16){__VA_ARGS__})
#define i8x16_shuffle(mask, a, b) ((v128)__builtin_shuffle((u8x16)(a), (u8x16)(b), mask))
OP(v128) i8x16_swizzle(v128 a, v128 at)
{
#ifdef __SSSE3__
    /* pshufb gives 0 for an index with its uppermost bit set: all from 16 on get it. */
    return (v128)__builtin_ia32_pshufb128((c8x16)a, __builtin_ia32_paddusb128((c8x16)at, (c8x16)i8x16_splat(0x70)));
#else
    u8x16 from = (u8x16)a, index = (u8x16)at, to;

    for (int i = 0; i < 16; i++)
        to[i] = index[i] < 16 ? from[index[i]] : 0;
    return (v128)to;
#endif
}

/* Integers ---------------------------------------------------------------------------------------------------- */

#define CHOSEN(mask, a, b) v128_bitselect(a, b, (v128)(mask))
#define INTEGER_SHAPE(n, s, u, lane, count, bits)                                                                      \
    OP(v128) n##_eq(v128 a, v128 b) { return (v128)((u)a == (u)b); }                                                   \
    OP(v128) n##_ne(v128 a, v128 b) { return (v128)((u)a != (u)b); }                                                   \
    OP(v128) n##_lt_s(v128 a, v128 b) { return (v128)((s)a < (s)b); }                                                  \
    OP(v128) n##_gt_s(v128 a, v128 b) { return (v128)((s)a > (s)b); }                                                  \
    OP(v128) n##_le_s(v128 a, v128 b) { return (v128)((s)a <= (s)b); }                                                 \
    OP(v128) n##_ge_s(v128 a, v128 b) { return (v128)((s)a >= (s)b); }                                                 \
    OP(v128) n##_neg(v128 a) { return (v128)-(u)a; }                                                                   \
    OP(v128) n##_abs(v128 a)                                                                                           \
    {                                                                                                                  \
        u sign = (u)((s)a < 0);                                                                                        \
                                                                                                                       \
        return (v128)(((u)a ^ sign) - sign);                                                                           \
    }                                                                                                                  \
    OP(v128) n##_shl(v128 a, u32 by) { return (v128)((u)a << (lane)(by % bits)); }                                     \
    OP(v128) n##_shr_u(v128 a, u32 by) { return (v128)((u)a >> (lane)(by % bits)); }                                   \
    OP(v128) n##_shr_s(v128 a, u32 by) { return (v128)((s)a >> (lane)(by % bits)); }                                   \
    OP(v128) n##_add(v128 a, v128 b) { return (v128)((u)a + (u)b); }                                                   \
    OP(v128) n##_sub(v128 a, v128 b) { return (v128)((u)a - (u)b); }                                                   \
    OP(u32) n##_all_true(v128 a) { return !v128_any_true((v128)((u)a == 0)); }                                         \
    OP(u32) n##_bitmask(v128 a)                                                                                        \
    {                                                                                                                  \
        u32 mask = 0;                                                                                                  \
                                                                                                                       \
        for (int i = 0; i < count; i++)                                                                                \
            mask |= (u32)(((s)a)[i] < 0) << i;                                                                         \
        return mask;                                                                                                   \
    }
INTEGER_SHAPE(i8x16, s8x16, u8x16, u8, 16, 8)
INTEGER_SHAPE(i16x8, s16x8, u16x8, u16, 8, 16)
INTEGER_SHAPE(i32x4, s32x4, u32x4, u32, 4, 32)
INTEGER_SHAPE(i64x2, s64x2, v128, u64, 2, 64)

#define UNSIGNED_SHAPE(n, s, u)                                                                                        \
    OP(v128) n##_lt_u(v128 a, v128 b) { return (v128)((u)a < (u)b); }                                                  \
    OP(v128) n##_gt_u(v128 a, v128 b) { return (v128)((u)a > (u)b); }                                                  \
    OP(v128) n##_le_u(v128 a, v128 b) { return (v128)((u)a <= (u)b); }                                                 \
    OP(v128) n##_ge_u(v128 a, v128 b) { return (v128)((u)a >= (u)b); }                                                 \
    OP(v128) n##_min_s(v128 a, v128 b) { return CHOSEN((s)a < (s)b, a, b); }                                           \
    OP(v128) n##_max_s(v128 a, v128 b) { return CHOSEN((s)a > (s)b, a, b); }                                           \
    OP(v128) n##_min_u(v128 a, v128 b) { return CHOSEN((u)a < (u)b, a, b); }                                           \
    OP(v128) n##_max_u(v128 a, v128 b) { return CHOSEN((u)a > (u)b, a, b); }
UNSIGNED_SHAPE(i8x16, s8x16, u8x16)
UNSIGNED_SHAPE(i16x8, s16x8, u16x8)
UNSIGNED_SHAPE(i32x4, s32x4, u32x4)
OP(v128) i16x8_mul(v128 a, v128 b) { return (v128)((u16x8)a * (u16x8)b); }
OP(v128) i32x4_mul(v128 a, v128 b) { return (v128)((u32x4)a * (u32x4)b); }
OP(v128) i64x2_mul(v128 a, v128 b) { return a * b; }

/* Where a sum or difference of signed lanes has overflowed, it is the limit on the first operand's side. */
#define SATURATING_SHAPE(n, s, u, bits)                                                                                \
    OP(v128) n##_limit(v128 a) { return (v128)((u)((s)a >> (bits - 1)) ^ (u)((u){0} + ((1u << (bits - 1)) - 1))); }    \
    OP(v128) n##_add_sat_s(v128 a, v128 b)                                                                             \
    {                                                                                                                  \
        v128 sum = n##_add(a, b);                                                                                      \
                                                                                                                       \
        return CHOSEN((s)(~(a ^ b) & (a ^ sum)) < 0, n##_limit(a), sum);                                               \
    }                                                                                                                  \
    OP(v128) n##_sub_sat_s(v128 a, v128 b)                                                                             \
    {                                                                                                                  \
        v128 difference = n##_sub(a, b);                                                                               \
                                                                                                                       \
        return CHOSEN((s)((a ^ b) & (a ^ difference)) < 0, n##_limit(a), difference);                                  \
    }                                                                                                                  \
    OP(v128) n##_add_sat_u(v128 a, v128 b)                                                                             \
    {                                                                                                                  \
        v128 sum = n##_add(a, b);                                                                                      \
                                                                                                                       \
        return sum | n##_lt_u(sum, a);                                                                                 \
    }                                                                                                                  \
    OP(v128) n##_sub_sat_u(v128 a, v128 b) { return n##_sub(a, b) & n##_ge_u(a, b); }                                  \
    OP(v128) n##_avgr_u(v128 a, v128 b) { return (v128)((u)(a | b) - ((u)(a ^ b) >> 1)); }
SATURATING_SHAPE(i8x16, s8x16, u8x16, 8)
SATURATING_SHAPE(i16x8, s16x8, u16x8, 16)

OP(v128) i8x16_popcnt(v128 a)
{
    u8x16 x = (u8x16)a;

    x -= (x >> 1) & 0x55;
    x = (x & 0x33) + ((x >> 2) & 0x33);
    return (v128)((x + (x >> 4)) & 0x0f);
}

/* Each lane of half a vector as one of twice the width: beside its sign or 0. */
#define LOW_8 ((u8x16){0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23})
#define HIGH_8 ((u8x16){8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31})
#define LOW_16 ((u16x8){0, 8, 1, 9, 2, 10, 3, 11})
#define HIGH_16 ((u16x8){4, 12, 5, 13, 6, 14, 7, 15})
#define LOW_32 ((u32x4){0, 4, 1, 5})
#define HIGH_32 ((u32x4){2, 6, 3, 7})
#define EXTEND(wide, narrow, s, u, half, mask)                                                                         \
    OP(v128) wide##_extend_##half##_##narrow##_s(v128 a)                                                               \
    {                                                                                                                  \
        return (v128)__builtin_shuffle((u)a, (u)((s)a < 0), mask);                                                     \
    }                                                                                                                  \
    OP(v128) wide##_extend_##half##_##narrow##_u(v128 a) { return (v128)__builtin_shuffle((u)a, (u){0}, mask); }       \
    OP(v128) wide##_extmul_##half##_##narrow##_s(v128 a, v128 b)                                                       \
    {                                                                                                                  \
        return wide##_mul(wide##_extend_##half##_##narrow##_s(a), wide##_extend_##half##_##narrow##_s(b));             \
    }                                                                                                                  \
    OP(v128) wide##_extmul_##half##_##narrow##_u(v128 a, v128 b)                                                       \
    {                                                                                                                  \
        return wide##_mul(wide##_extend_##half##_##narrow##_u(a), wide##_extend_##half##_##narrow##_u(b));             \
    }
EXTEND(i16x8, i8x16, s8x16, u8x16, low, LOW_8)
EXTEND(i16x8, i8x16, s8x16, u8x16, high, HIGH_8)
EXTEND(i32x4, i16x8, s16x8, u16x8, low, LOW_16)
EXTEND(i32x4, i16x8, s16x8, u16x8, high, HIGH_16)
EXTEND(i64x2, i32x4, s32x4, u32x4, low, LOW_32)
EXTEND(i64x2, i32x4, s32x4, u32x4, high, HIGH_32)

OP(v128) i16x8_extadd_pairwise_i8x16_s(v128 a) { return (v128)(((s16x8)((u16x8)a << 8) >> 8) + ((s16x8)a >> 8)); }
OP(v128) i16x8_extadd_pairwise_i8x16_u(v128 a) { return (v128)(((u16x8)a & 0xff) + ((u16x8)a >> 8)); }
OP(v128) i32x4_extadd_pairwise_i16x8_s(v128 a) { return (v128)(((s32x4)((u32x4)a << 16) >> 16) + ((s32x4)a >> 16)); }
OP(v128) i32x4_extadd_pairwise_i16x8_u(v128 a) { return (v128)(((u32x4)a & 0xffff) + ((u32x4)a >> 16)); }

OP(v128) i8x16_narrow_i16x8_s(v128 a, v128 b) { return (v128)__builtin_ia32_packsswb128((s16x8)a, (s16x8)b); }
OP(v128) i8x16_narrow_i16x8_u(v128 a, v128 b) { return (v128)__builtin_ia32_packuswb128((s16x8)a, (s16x8)b); }
OP(v128) i16x8_narrow_i32x4_s(v128 a, v128 b) { return (v128)__builtin_ia32_packssdw128((s32x4)a, (s32x4)b); }
/* SSE2 has it for signed lanes only: those below 0 become 0, and what is left is moved by half the range, and back. */
OP(v128) i16x8_narrow_i32x4_u(v128 a, v128 b)
{
    s32x4 low = (s32x4)(a & ~(v128)((s32x4)a < 0)) - 0x8000, high = (s32x4)(b & ~(v128)((s32x4)b < 0)) - 0x8000;

    return (v128)((u16x8)__builtin_ia32_packssdw128(low, high) ^ 0x8000);
}

OP(v128) i32x4_dot_i16x8_s(v128 a, v128 b) { return (v128)__builtin_ia32_pmaddwd128((s16x8)a, (s16x8)b); }
OP(v128) i16x8_q15mulr_sat_s(v128 a, v128 b)
{
    s16x8 to;

    for (int i = 0; i < 8; i++) {
        s32 product = ((s32)((s16x8)a)[i] * ((s16x8)b)[i] + 0x4000) >> 15;

        to[i] = product > INT16_MAX ? INT16_MAX : product;
    }
    return (v128)to;
}

/* Floating point ---------------------------------------------------------------------------------------------- */

#define EACH(type, count, expression)                                                                                  \
    ({                                                                                                                 \
        type to_;                                                                                                      \
                                                                                                                       \
        for (int i = 0; i < count; i++)                                                                                \
            to_[i] = expression;                                                                                       \
        (v128)to_;                                                                                                     \
    })
#define FLOAT_SHAPE(n, f, scalar, u, count, sign)                                                                      \
    OP(v128) n##_eq(v128 a, v128 b) { return (v128)((f)a == (f)b); }                                                   \
    OP(v128) n##_ne(v128 a, v128 b) { return (v128)((f)a != (f)b); }                                                   \
    OP(v128) n##_lt(v128 a, v128 b) { return (v128)((f)a < (f)b); }                                                    \
    OP(v128) n##_gt(v128 a, v128 b) { return (v128)((f)a > (f)b); }                                                    \
    OP(v128) n##_le(v128 a, v128 b) { return (v128)((f)a <= (f)b); }                                                   \
    OP(v128) n##_ge(v128 a, v128 b) { return (v128)((f)a >= (f)b); }                                                   \
    OP(v128) n##_abs(v128 a) { return (v128)((u)a & ~sign); }                                                          \
    OP(v128) n##_neg(v128 a) { return (v128)((u)a ^ sign); }                                                           \
    OP(v128) n##_sqrt(v128 a) { return EACH(f, count, scalar##_sqrt(((f)a)[i])); }                                     \
    OP(v128) n##_ceil(v128 a) { return EACH(f, count, scalar##_ceil(((f)a)[i])); }                                     \
    OP(v128) n##_floor(v128 a) { return EACH(f, count, scalar##_floor(((f)a)[i])); }                                   \
    OP(v128) n##_trunc(v128 a) { return EACH(f, count, scalar##_trunc(((f)a)[i])); }                                   \
    OP(v128) n##_nearest(v128 a) { return EACH(f, count, scalar##_nearest(((f)a)[i])); }                               \
    OP(v128) n##_add(v128 a, v128 b) { return (v128)((f)a + (f)b); }                                                   \
    OP(v128) n##_sub(v128 a, v128 b) { return (v128)((f)a - (f)b); }                                                   \
    OP(v128) n##_mul(v128 a, v128 b) { return (v128)((f)a * (f)b); }                                                   \
    OP(v128) n##_div(v128 a, v128 b) { return (v128)((f)a / (f)b); }                                                   \
    OP(v128) n##_min(v128 a, v128 b) { return EACH(f, count, scalar##_min(((f)a)[i], ((f)b)[i])); }                    \
    OP(v128) n##_max(v128 a, v128 b) { return EACH(f, count, scalar##_max(((f)a)[i], ((f)b)[i])); }                    \
    OP(v128) n##_pmin(v128 a, v128 b) { return CHOSEN((f)b < (f)a, b, a); }                                            \
    OP(v128) n##_pmax(v128 a, v128 b) { return CHOSEN((f)a < (f)b, b, a); }
FLOAT_SHAPE(f32x4, f32x4, f32, u32x4, 4, 0x80000000u)
FLOAT_SHAPE(f64x2, f64x2, f64, v128, 2, 0x8000000000000000u)

OP(v128) f32x4_demote_f64x2_zero(v128 a) { return (v128)(f32x4){f32_demote_f64(((f64x2)a)[0]), f32_demote_f64(((f64x2)a)[1])}; }
OP(v128) f64x2_promote_low_f32x4(v128 a) { return EACH(f64x2, 2, f64_promote_f32(((f32x4)a)[i])); }
OP(v128) f32x4_convert_i32x4_s(v128 a) { return EACH(f32x4, 4, f32_convert_i32_s(((u32x4)a)[i])); }
OP(v128) f32x4_convert_i32x4_u(v128 a) { return EACH(f32x4, 4, f32_convert_i32_u(((u32x4)a)[i])); }
OP(v128) f64x2_convert_low_i32x4_s(v128 a) { return EACH(f64x2, 2, f64_convert_i32_s(((u32x4)a)[i])); }
OP(v128) f64x2_convert_low_i32x4_u(v128 a) { return EACH(f64x2, 2, f64_convert_i32_u(((u32x4)a)[i])); }
OP(v128) i32x4_trunc_sat_f32x4_s(v128 a) { return EACH(u32x4, 4, i32_trunc_sat_f32_s(((f32x4)a)[i])); }
OP(v128) i32x4_trunc_sat_f32x4_u(v128 a) { return EACH(u32x4, 4, i32_trunc_sat_f32_u(((f32x4)a)[i])); }
OP(v128) i32x4_trunc_sat_f64x2_s_zero(v128 a) { return (v128)(u32x4){i32_trunc_sat_f64_s(((f64x2)a)[0]), i32_trunc_sat_f64_s(((f64x2)a)[1])}; }
OP(v128) i32x4_trunc_sat_f64x2_u_zero(v128 a) { return (v128)(u32x4){i32_trunc_sat_f64_u(((f64x2)a)[0]), i32_trunc_sat_f64_u(((f64x2)a)[1])}; }

/* Memory ------------------------------------------------------------------------------------------------------ */

#define v128_load(address, offset) READ(address, offset, v128)
#define v128_store(address, offset, value) WRITE(address, offset, v128, value)
#define LOAD_HALF(address, offset) ((v128){READ(address, offset, u64), 0})
#define v128_load8x8_s(address, offset) i16x8_extend_low_i8x16_s(LOAD_HALF(address, offset))
#define v128_load8x8_u(address, offset) i16x8_extend_low_i8x16_u(LOAD_HALF(address, offset))
#define v128_load16x4_s(address, offset) i32x4_extend_low_i16x8_s(LOAD_HALF(address, offset))
#define v128_load16x4_u(address, offset) i32x4_extend_low_i16x8_u(LOAD_HALF(address, offset))
#define v128_load32x2_s(address, offset) i64x2_extend_low_i32x4_s(LOAD_HALF(address, offset))
#define v128_load32x2_u(address, offset) i64x2_extend_low_i32x4_u(LOAD_HALF(address, offset))
#define v128_load8_splat(address, offset) i8x16_splat(READ(address, offset, u8))
#define v128_load16_splat(address, offset) i16x8_splat(READ(address, offset, u16))
#define v128_load32_splat(address, offset) i32x4_splat(READ(address, offset, u32))
#define v128_load64_splat(address, offset) i64x2_splat(READ(address, offset, u64))
#define v128_load32_zero(address, offset) ((v128)(u32x4){READ(address, offset, u32), 0, 0, 0})
#define v128_load64_zero(address, offset) LOAD_HALF(address, offset)
#define v128_load8_lane(lane, address, offset, a) i8x16_replace_lane(lane, a, READ(address, offset, u8))
#define v128_load16_lane(lane, address, offset, a) i16x8_replace_lane(lane, a, READ(address, offset, u16))
#define v128_load32_lane(lane, address, offset, a) i32x4_replace_lane(lane, a, READ(address, offset, u32))
#define v128_load64_lane(lane, address, offset, a) i64x2_replace_lane(lane, a, READ(address, offset, u64))
#define v128_store8_lane(lane, address, offset, a) WRITE(address, offset, u8, i8x16_extract_lane_u(lane, a))
#define v128_store16_lane(lane, address, offset, a) WRITE(address, offset, u16, i16x8_extract_lane_u(lane, a))
#define v128_store32_lane(lane, address, offset, a) WRITE(address, offset, u32, i32x4_extract_lane(lane, a))
#define v128_store64_lane(lane, address, offset, a) WRITE(address, offset, u64, i64x2_extract_lane(lane, a))

#endif
