/* As much of <math.h> as wasm2c's output uses; the functions are runtime/wasm/math.c's or instructions. */
#pragma once
#define NAN __builtin_nanf("")
#define INFINITY __builtin_inff()
#define isnan(x) __builtin_isnan(x)
#define signbit(x) __builtin_signbit(x)
#define fabs __builtin_fabs
#define fabsf __builtin_fabsf
#define copysign __builtin_copysign
#define copysignf __builtin_copysignf
#define sqrt __builtin_sqrt
#define sqrtf __builtin_sqrtf
double floor(double), ceil(double), trunc(double), nearbyint(double);
float floorf(float), ceilf(float), truncf(float), nearbyintf(float);
