/*
 * The run block: what the host gives one run of an image, apart from Xen's command line. The image's loader
 * puts it where the image's own note says (start.S), with everything else that is in the file: the host adds it to the
 * run's copy of the image as one more PT_LOAD (src/host/elf/run-block.ts), a kernel that jumps into another one writes
 * it behind that one's segments (src/guest/xenlet/internal/kexec/run-block.ts). An image that was given none has a size of 0 in
 * its note.
 */
#ifndef XENLET_RUN_BLOCK_H
#define XENLET_RUN_BLOCK_H

#include <stddef.h>
#include <stdint.h>

/* "xenlrun\1", as a little-endian number. */
#define RUN_BLOCK_MAGIC 0x016e75726c6e6578ul

/* The arguments are these alone; else the words of the command line follow them. */
#define RUN_ARGUMENTS 1
/* No records of the boot's stages: for the thousandth kernel of one run. */
#define RUN_QUIET 2
/* Another kernel jumped into this one. */
#define RUN_JUMPED 4
/* Records and text by the debug port alone, not by the console's ring: for a guest that may take Xen down. */
#define RUN_PORT 8
/* The host answers the guest's requests for standard input (input.c). */
#define RUN_INPUT 16
/* `random` is of this run alone. */
#define RUN_RANDOM 32
/* The host reads the guest's records from the console's ring. */
#define RUN_RING 64

/* The note's value: where the block goes, how much room there is, and how much of it is in use. */
struct run_note {
    uint64_t paddr;
    uint32_t room, size;
};

struct run_block {
    uint64_t magic;
    uint32_t size; /* in bytes, of all of it */
    uint32_t flags;
    char nonce[24]; /* of this run's records; empty: they have no reader */
    char way[8];    /* how it runs: domu, dom0, xl, xl-hvm */
    uint8_t random[32];
    char sequence[12]; /* number of the first record's line, in decimal: written last, by the jump (kexec.c) */
    /* NUL-terminated, one behind the other, from offset `strings` on: arguments, then variables (NAME=VALUE). */
    uint32_t arguments, variables, strings;
    uint32_t cmdline; /* offset of a NUL-terminated command line, for where the loader gives none; 0: none */
    uint32_t reserved;
    uint64_t module_paddr, module_size; /* a boot module, for where the loader gives none */
    uint64_t crash_info;                /* physical: what a guest that crashed left (crash.h); 0: none did */
    uint64_t reserved2;
};

/* src/host/elf/run-block.ts and src/guest/xenlet/internal/start/run.ts have these as well. */
_Static_assert(offsetof(struct run_block, nonce) == 16, "run-block.ts");
_Static_assert(offsetof(struct run_block, way) == 40, "run-block.ts");
_Static_assert(offsetof(struct run_block, random) == 48, "run-block.ts");
_Static_assert(offsetof(struct run_block, sequence) == 80, "run-block.ts");
_Static_assert(offsetof(struct run_block, arguments) == 92, "run-block.ts");
_Static_assert(offsetof(struct run_block, module_paddr) == 112, "run-block.ts");
_Static_assert(sizeof(struct run_block) == 144, "run-block.ts");

#endif
