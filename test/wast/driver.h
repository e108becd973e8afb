/*
 * What a script's modules and steps (guest-text.ts) and the program that goes through them (driver.c) know of each other.
 */
#ifndef XENLET_WAST_DRIVER_H
#define XENLET_WAST_DRIVER_H

#include "lowered.h"

union wast_value {
    u64 bits[2];
    u32 i;
    u64 j;
    f32 f;
    f64 d;
    v128 v;
    externref e;
};

/* A result: which bits it has to have, and which of them count. */
struct wast_expected {
    u64 bits[2], mask[2];
};

/* A module's instantiation, or a call. */
struct wast_step {
    u32 number;
    /* Instantiation. */
    void (*instantiate)(void);
    bool memory;
    u32 pages;
    /* A call: of a function, or of what reads a global. */
    void (*call)(const union wast_value *arguments, union wast_value *results);
    const union wast_value *arguments;
    const struct wast_expected *results;
    u32 result_count;
    const char *trap; /* the kind that it has to end in, or NULL */
};

struct wast_script {
    const struct wast_step *steps;
    u32 count;
};
extern const struct wast_script *const wast_scripts[];
extern const u32 wast_script_count;

#endif
