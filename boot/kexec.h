/*
 * The jump into another kernel: what kexec.c fills in and kexec.S goes by. One page of physical memory that no
 * copy touches holds all of it:
 *
 *   kexec_page   struct kexec_header | GDT, code (kexec.S) | struct kexec_copy[count] ...        stack |
 */
#ifndef XENLET_KEXEC_H
#define XENLET_KEXEC_H

/* Offsets in struct kexec_header. */
#define KEXEC_COUNT 0
#define KEXEC_ENTRY 4
#define KEXEC_START_INFO 8
#define KEXEC_HEADER_SIZE 16

/* Offsets in struct kexec_copy. */
#define KEXEC_COPY_TO 0
#define KEXEC_COPY_FROM 4
#define KEXEC_COPY_BYTES 8
#define KEXEC_COPY_ZEROES 12
#define KEXEC_COPY_SIZE 16

/* At the page's end: one push, and as much again. */
#define KEXEC_STACK_SIZE 8

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

#include "layout.h"

struct kexec_header {
    uint32_t count;
    uint32_t entry;      /* physical, as everything here: where PVH says that the kernel begins */
    uint32_t start_info; /* of the struct hvm_start_info for it */
    uint32_t reserved;
};

/* First every copy, in their order, then every run of zeroes. */
struct kexec_copy {
    uint32_t to, from, bytes;
    uint32_t zeroes; /* how many follow the bytes */
};

_Static_assert(offsetof(struct kexec_header, count) == KEXEC_COUNT, "kexec.S");
_Static_assert(offsetof(struct kexec_header, entry) == KEXEC_ENTRY, "kexec.S");
_Static_assert(offsetof(struct kexec_header, start_info) == KEXEC_START_INFO, "kexec.S");
_Static_assert(sizeof(struct kexec_header) == KEXEC_HEADER_SIZE, "kexec.S");
_Static_assert(offsetof(struct kexec_copy, from) == KEXEC_COPY_FROM, "kexec.S");
_Static_assert(offsetof(struct kexec_copy, bytes) == KEXEC_COPY_BYTES, "kexec.S");
_Static_assert(offsetof(struct kexec_copy, zeroes) == KEXEC_COPY_ZEROES, "kexec.S");
_Static_assert(sizeof(struct kexec_copy) == KEXEC_COPY_SIZE, "kexec.S");

/* kexec.S: what the page begins with, and its way in. */
extern uint8_t kexec_page[], kexec_code[], kexec_page_end[];
_Noreturn void kexec_enter(uint32_t page);
#endif

#endif
