/*
 * What a module gets that was not compiled with xenlet's own runtime: foreign.c.
 */
#ifndef XENLET_FOREIGN_H
#define XENLET_FOREIGN_H

#include <stdint.h>

/* Says that the guest's own code runs, and attaches the console. */
void foreign_begin(void);
/* The verdict, its lowest 8 bits, and the end of the domain. */
_Noreturn void foreign_exit(uint32_t code);

/* Xen system time, and wall clock time since 1970-01-01 UTC, in ns. */
uint64_t foreign_system_time(void);
uint64_t foreign_wall_clock(void);

/* Takes at most `size` bytes that were typed on the console; 0 if there are none. */
uint32_t foreign_input(char *to, uint32_t size);
/* Waits until somebody types or it is `deadline`, in ns of Xen system time. It may come back early. */
void foreign_wait(uint64_t deadline);

#endif
