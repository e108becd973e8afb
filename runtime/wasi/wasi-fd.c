/*
 * WASI's descriptors in a guest, which has no files: 0, 1 and 2 are its standard input, output and error, byte for byte and
 * at once (boot/input.c, boot/record.c). Everything else is answered with the errno that the specification, and POSIX behind
 * it, has for it.
 */
#include "wasi.h"

#include "boot.h"

#pragma GCC diagnostic ignored "-Wunused-parameter" /* the signatures are WASI's */

#define DESCRIPTORS 3

static bool closed[DESCRIPTORS];

bool wasi_is_open(uint32_t fd)
{
    return fd < DESCRIPTORS && !closed[fd];
}

bool wasi_readable(uint32_t fd)
{
    return fd == 0 && input_ready();
}

/* The functions ----------------------------------------------------------------------------------------------- */

DEFINE(uint32_t, fd_write, uint32_t fd, uint32_t vectors, uint32_t count, uint32_t written)
{
    const struct wasi_iovec *vector = wasi_memory(vectors, (uint64_t)count * sizeof(*vector));
    uint32_t *result = wasi_memory(written, sizeof(*result)), total = 0;

    if (!wasi_is_open(fd) || fd == 0)
        return WASI_BADF;
    if (vector == WASI_NOWHERE || result == WASI_NOWHERE)
        return WASI_FAULT;
    for (uint32_t i = 0; i < count; i++)
        if (wasi_memory(vector[i].start, vector[i].length) == WASI_NOWHERE)
            return WASI_FAULT;
    for (uint32_t i = 0; i < count; i++) {
        record_output(fd == 2, wasi_memory(vector[i].start, vector[i].length), vector[i].length);
        total += vector[i].length;
    }
    *result = total;
    return WASI_SUCCESS;
}

DEFINE(uint32_t, fd_read, uint32_t fd, uint32_t vectors, uint32_t count, uint32_t read)
{
    const struct wasi_iovec *vector = wasi_memory(vectors, (uint64_t)count * sizeof(*vector));
    uint32_t *result = wasi_memory(read, sizeof(*result)), total = 0;

    if (!wasi_is_open(fd) || fd != 0)
        return WASI_BADF;
    if (vector == WASI_NOWHERE || result == WASI_NOWHERE)
        return WASI_FAULT;
    for (uint32_t i = 0; i < count; i++)
        if (wasi_memory(vector[i].start, vector[i].length) == WASI_NOWHERE)
            return WASI_FAULT;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t size = vector[i].length, some;

        /* The first bytes are waited for; the rest is what is available. */
        if (!size || (total && !input_ready()))
            continue;
        some = input_read(wasi_memory(vector[i].start, size), size);
        total += some;
        if (some < size)
            break;
    }
    /* Written last: it may lie in the vectors, or where the bytes go. */
    *result = total;
    return WASI_SUCCESS;
}

DEFINE(uint32_t, fd_close, uint32_t fd)
{
    if (!wasi_is_open(fd))
        return WASI_BADF;
    closed[fd] = true;
    return WASI_SUCCESS;
}

DEFINE(uint32_t, fd_fdstat_get, uint32_t fd, uint32_t to)
{
    struct wasi_fdstat *stat = wasi_memory(to, sizeof(*stat));

    if (!wasi_is_open(fd))
        return WASI_BADF;
    if (stat == WASI_NOWHERE)
        return WASI_FAULT;
    *stat = (struct wasi_fdstat){
        .filetype = WASI_FILETYPE_CHARACTER_DEVICE,
        .rights_base = (fd ? WASI_RIGHT_FD_WRITE : WASI_RIGHT_FD_READ) | WASI_RIGHT_POLL_FD_READWRITE,
    };
    return WASI_SUCCESS;
}

DEFINE_PREVIEW1(uint32_t, fd_filestat_get, uint32_t fd, uint32_t to)
{
    struct wasi_filestat *stat = wasi_memory(to, sizeof(*stat));

    if (!wasi_is_open(fd))
        return WASI_BADF;
    if (stat == WASI_NOWHERE)
        return WASI_FAULT;
    *stat = (struct wasi_filestat){.filetype = WASI_FILETYPE_CHARACTER_DEVICE, .inode = fd, .links = 1};
    return WASI_SUCCESS;
}

/* The error for a descriptor that is open, but of another kind; any other number is not a descriptor. */
static uint32_t open_but(uint32_t fd, uint32_t error)
{
    return wasi_is_open(fd) ? error : WASI_BADF;
}

DEFINE(uint32_t, fd_advise, uint32_t fd, uint64_t a, uint64_t b, uint32_t c) { return open_but(fd, WASI_SPIPE); }
DEFINE(uint32_t, fd_allocate, uint32_t fd, uint64_t a, uint64_t b) { return open_but(fd, WASI_SPIPE); }
DEFINE(uint32_t, fd_datasync, uint32_t fd) { return open_but(fd, WASI_INVAL); }
DEFINE(uint32_t, fd_sync, uint32_t fd) { return open_but(fd, WASI_INVAL); }
DEFINE(uint32_t, fd_fdstat_set_flags, uint32_t fd, uint32_t flags) { return open_but(fd, flags ? WASI_NOTSUP : WASI_SUCCESS); }
DEFINE(uint32_t, fd_fdstat_set_rights, uint32_t fd, uint64_t a, uint64_t b) { return open_but(fd, WASI_NOTCAPABLE); }
DEFINE(uint32_t, fd_filestat_set_size, uint32_t fd, uint64_t a) { return open_but(fd, WASI_INVAL); }
DEFINE(uint32_t, fd_filestat_set_times, uint32_t fd, uint64_t a, uint64_t b, uint32_t c) { return open_but(fd, WASI_NOTSUP); }
DEFINE(uint32_t, fd_pread, uint32_t fd, uint32_t a, uint32_t b, uint64_t c, uint32_t d) { return open_but(fd, WASI_SPIPE); }
DEFINE(uint32_t, fd_pwrite, uint32_t fd, uint32_t a, uint32_t b, uint64_t c, uint32_t d) { return open_but(fd, WASI_SPIPE); }
DEFINE(uint32_t, fd_seek, uint32_t fd, uint64_t a, uint32_t b, uint32_t c) { return open_but(fd, WASI_SPIPE); }
DEFINE(uint32_t, fd_tell, uint32_t fd, uint32_t a) { return open_but(fd, WASI_SPIPE); }
DEFINE(uint32_t, fd_readdir, uint32_t fd, uint32_t a, uint32_t b, uint64_t c, uint32_t d) { return open_but(fd, WASI_NOTDIR); }
DEFINE(uint32_t, fd_renumber, uint32_t fd, uint32_t to) { return wasi_is_open(to) ? open_but(fd, WASI_NOTSUP) : WASI_BADF; }
/* No folder was opened before the start: a library that looks for them stops at the first. */
DEFINE(uint32_t, fd_prestat_get, uint32_t fd, uint32_t a) { return WASI_BADF; }
DEFINE(uint32_t, fd_prestat_dir_name, uint32_t fd, uint32_t a, uint32_t b) { return WASI_BADF; }
DEFINE(uint32_t, path_create_directory, uint32_t fd, uint32_t a, uint32_t b) { return open_but(fd, WASI_NOTDIR); }
DEFINE_PREVIEW1(uint32_t, path_filestat_get, uint32_t fd, uint32_t a, uint32_t b, uint32_t c, uint32_t d) { return open_but(fd, WASI_NOTDIR); }
DEFINE(uint32_t, path_filestat_set_times, uint32_t fd, uint32_t a, uint32_t b, uint32_t c, uint64_t d, uint64_t e, uint32_t f) { return open_but(fd, WASI_NOTDIR); }
DEFINE(uint32_t, path_link, uint32_t fd, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e, uint32_t f) { return open_but(fd, WASI_NOTDIR); }
DEFINE(uint32_t, path_open, uint32_t fd, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint64_t e, uint64_t f, uint32_t g, uint32_t h) { return open_but(fd, WASI_NOTDIR); }
DEFINE(uint32_t, path_readlink, uint32_t fd, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e) { return open_but(fd, WASI_NOTDIR); }
DEFINE(uint32_t, path_remove_directory, uint32_t fd, uint32_t a, uint32_t b) { return open_but(fd, WASI_NOTDIR); }
DEFINE(uint32_t, path_rename, uint32_t fd, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e) { return open_but(fd, WASI_NOTDIR); }
DEFINE(uint32_t, path_symlink, uint32_t a, uint32_t b, uint32_t fd, uint32_t c, uint32_t d) { return open_but(fd, WASI_NOTDIR); }
DEFINE(uint32_t, path_unlink_file, uint32_t fd, uint32_t a, uint32_t b) { return open_but(fd, WASI_NOTDIR); }
DEFINE(uint32_t, sock_accept, uint32_t fd, uint32_t a, uint32_t b) { return open_but(fd, WASI_NOTSOCK); }
DEFINE(uint32_t, sock_recv, uint32_t fd, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e) { return open_but(fd, WASI_NOTSOCK); }
DEFINE(uint32_t, sock_send, uint32_t fd, uint32_t a, uint32_t b, uint32_t c, uint32_t d) { return open_but(fd, WASI_NOTSOCK); }
DEFINE(uint32_t, sock_shutdown, uint32_t fd, uint32_t a) { return open_but(fd, WASI_NOTSOCK); }
