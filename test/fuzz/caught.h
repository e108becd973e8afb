/*
 * Calls that a trap does not end the guest in: it comes back to where the call was made.
 */
#ifndef XENLET_CAUGHT_H
#define XENLET_CAUGHT_H

#include <stdint.h>

/* Calls `run`. Returns NULL, or the kind of the trap that ended it, as boot/traps.c names it. */
const char *call_caught(void (*run)(void));

#endif
