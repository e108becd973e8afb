/*
 * What a guest that crashed leaves to its crash kernel: one page of physical memory that the jump leaves alone, and
 * crash= on the crash kernel's command line says where. The reader is src/guest/xenlet/internal/kexec/crashed.ts.
 */
#ifndef XENLET_CRASH_H
#define XENLET_CRASH_H

#include <stddef.h>
#include <stdint.h>

#define CRASH_MAGIC 0x687361724374656cul /* "letCrash" */
#define CRASH_KIND_SIZE 24
#define CRASH_MAX_SAVED 8

/* Memory that the crash kernel runs in, and where what was there is now. */
struct crash_saved {
    uint64_t begin, size, now_at;
};

struct crash_info {
    uint64_t magic;
    uint32_t vcpu;
    uint32_t vector; /* of the exception; ~0: it gave up by itself */
    char kind[CRASH_KIND_SIZE];
    uint64_t error_code, address; /* of a page fault */
    uint64_t rip, rsp, rbp, rflags, cr3;
    uint64_t rax, rcx, rdx, rbx, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
    /* Linear memory, physical, and the checksum of its words from page 1 on (crash.c, checksum). */
    uint64_t linear_begin, linear_bytes, checksum;
    uint64_t saved_count; /* this and what follows: src/guest/xenlet/internal/kexec/crash-plan.ts, when the kernel is put in reserve */
    struct crash_saved saved[CRASH_MAX_SAVED];
};

_Static_assert(offsetof(struct crash_info, kind) == 16, "crash_info.ts");
_Static_assert(offsetof(struct crash_info, rip) == 56, "crash_info.ts");
_Static_assert(offsetof(struct crash_info, linear_begin) == 208, "crash_info.ts");
_Static_assert(offsetof(struct crash_info, saved_count) == 232, "crash_info.ts");

#endif
