/*
 * The rounding functions that gcc calls by name where the CPU may lack SSE4.1's roundsd (QEMU's qemu64
 * does), and popcount likewise. Each is exact for every double: below 2^52 the magic number pushes the
 * fraction out in the current rounding mode, to nearest even, which is Wasm's `nearest`; from 2^52 on a
 * double has no fraction.
 */
#include <stdint.h>

#define NO_FRACTION 0x1p52
#define NO_FRACTION_F 0x1p23f

double nearbyint(double x)
{
    volatile double magic = __builtin_copysign(NO_FRACTION, x);

    if (!(__builtin_fabs(x) < NO_FRACTION))
        return x;
    return __builtin_copysign(x + magic - magic, x);
}

double floor(double x)
{
    double nearest = nearbyint(x);

    return __builtin_copysign(nearest > x ? nearest - 1 : nearest, x);
}

double ceil(double x)
{
    double nearest = nearbyint(x);

    return __builtin_copysign(nearest < x ? nearest + 1 : nearest, x);
}

double trunc(double x)
{
    return x < 0 ? ceil(x) : floor(x);
}

float nearbyintf(float x)
{
    volatile float magic = __builtin_copysignf(NO_FRACTION_F, x);

    if (!(__builtin_fabsf(x) < NO_FRACTION_F))
        return x;
    return __builtin_copysignf(x + magic - magic, x);
}

/* A float's rounding is exact in double. */
float floorf(float x)
{
    return floor(x);
}

float ceilf(float x)
{
    return ceil(x);
}

float truncf(float x)
{
    return trunc(x);
}

int __popcountdi2(int64_t value)
{
    int count = 0;

    for (uint64_t bits = value; bits; bits &= bits - 1)
        count++;
    return count;
}
