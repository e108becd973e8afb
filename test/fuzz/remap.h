#ifndef XENLET_FUZZ_REMAP_H
#define XENLET_FUZZ_REMAP_H

#include <stdint.h>

/* Maps the first `bytes` of linear memory and nothing else, contents as they are: for a module that replaces another. */
void linear_remap(uint32_t bytes);

#endif
