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

#endif
