/*
 * What a batch of modules (batch.ts) and the program that runs them (driver.c) know of each other.
 */
#ifndef XENLET_FUZZ_DRIVER_H
#define XENLET_FUZZ_DRIVER_H

#include "lowered.h"

struct fuzz_case {
    uint32_t number;
    uint32_t pages;
    void (*instantiate)(void);
    void (*const *calls)(void);
    uint32_t call_count;
    void (*globals)(void);
    bool memory; /* whether the module has any */
};
extern const struct fuzz_case *const fuzz_cases[];
extern const uint32_t fuzz_case_count;

#define HIDDEN(type, name)                                                                                             \
    static inline type name(type value)                                                                                \
    {                                                                                                                  \
        __asm__ volatile("" : "+r"(value));                                                                            \
        return value;                                                                                                  \
    }
HIDDEN(uint32_t, hidden_i32)
HIDDEN(uint64_t, hidden_i64)

/* Take a value into the account of what happened: outcome.ts does the same with V8's. */
void saw_i32(uint32_t value);
void saw_i64(uint64_t value);
void saw_f32(float value);
void saw_f64(double value);
void saw_funcref(funcref value);
void saw_externref(externref value);

#endif
