/*
 * What the runtime knows about the lowered module: module.c.
 */
#ifndef XENLET_MODULE_H
#define XENLET_MODULE_H

#include <stdint.h>

/* Linear memory at first, in pages of 64 KiB. */
extern const uint32_t module_initial_pages;

/* cpu_level.c: ends the guest unless the CPU has what x86-64-v2 says. */
void check_x86_64_v2(void);

/* Sets up the module's globals, tables and memory, and calls its start function; then its program. */
void wasm_instantiate(void);
void wasm_start(void);

#endif
