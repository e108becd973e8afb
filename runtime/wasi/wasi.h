/*
 * WASI preview 1, as far as its numbers and structures are needed here.
 * https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md
 */
#ifndef XENLET_WASI_H
#define XENLET_WASI_H

#include <stdbool.h>
#include <stdint.h>

enum wasi_errno {
    WASI_SUCCESS = 0,
    WASI_BADF = 8,
    WASI_FAULT = 21,
    WASI_INVAL = 28,
    WASI_NOSYS = 52,
    WASI_NOTDIR = 54,
    WASI_NOTSOCK = 57,
    WASI_NOTSUP = 58,
    WASI_SPIPE = 70,
    WASI_NOTCAPABLE = 76,
};

enum { WASI_CLOCK_REALTIME, WASI_CLOCK_MONOTONIC, WASI_CLOCK_PROCESS_CPUTIME, WASI_CLOCK_THREAD_CPUTIME };
enum { WASI_EVENT_CLOCK, WASI_EVENT_FD_READ, WASI_EVENT_FD_WRITE };
#define WASI_SUBSCRIPTION_CLOCK_ABSTIME 1
#define WASI_FILETYPE_CHARACTER_DEVICE 2
#define WASI_RIGHT_FD_READ (1ul << 1)
#define WASI_RIGHT_FD_WRITE (1ul << 6)
#define WASI_RIGHT_POLL_FD_READWRITE (1ul << 27)

struct wasi_iovec {
    uint32_t start, length;
};

struct wasi_fdstat {
    uint8_t filetype;
    uint16_t flags;
    uint64_t rights_base, rights_inheriting;
};

struct wasi_filestat {
    uint64_t device, inode;
    uint8_t filetype;
    uint64_t links, size, accessed, modified, changed;
};

struct wasi_subscription {
    uint64_t userdata;
    uint64_t type; /* one byte, and padding */
    union {
        struct {
            uint32_t id;
            uint64_t timeout, precision; /* ns */
            uint16_t flags;
        } clock;
        uint32_t fd;
    };
};

struct wasi_event {
    uint64_t userdata;
    uint16_t error;
    uint8_t type;
    struct {
        uint64_t bytes;
        uint16_t flags;
    } ready;
};

_Static_assert(sizeof(struct wasi_fdstat) == 24, "preview 1");
_Static_assert(sizeof(struct wasi_filestat) == 64, "preview 1");
_Static_assert(sizeof(struct wasi_subscription) == 48, "preview 1");
_Static_assert(sizeof(struct wasi_event) == 32, "preview 1");

/* Where in memory the module says something is, or WASI_NOWHERE if it is not all there. Address 0 is a place. */
#define WASI_NOWHERE ((void *)~0ul)
void *wasi_memory(uint32_t address, uint64_t size);

/*
 * A function of WASI's, by the name that the lowered C has for it. src/host/build/lower/imports.ts reads these lines: they
 * are the list of what a module may import, with its types. DEFINE: of preview 0 (wasi_unstable) as well, where it is the same
 * call; DEFINE_PREVIEW1: its structures are others there.
 */
#define WASI(name, ...) import_wasi_snapshot_preview1_##name(__VA_ARGS__)
#define DEFINE_PREVIEW1(result, name, ...)                                                                             \
    result WASI(name, ##__VA_ARGS__);                                                                                  \
    result WASI(name, ##__VA_ARGS__)
#define DEFINE(result, name, ...)                                                                                      \
    result import_wasi_unstable_##name(__VA_ARGS__) __attribute__((alias("import_wasi_snapshot_preview1_" #name)));    \
    DEFINE_PREVIEW1(result, name, ##__VA_ARGS__)

/* wasi-fd.c */
/* Whether a read from descriptor `fd` would not wait. */
bool wasi_readable(uint32_t fd);
bool wasi_is_open(uint32_t fd);

#endif
