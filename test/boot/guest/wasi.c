/*
 * What a program for WASI may ask of a guest, line by line. Built by Debian's clang with wasi-libc: wasi.test.ts.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double seconds(clockid_t id)
{
    struct timespec now;

    if (clock_gettime(id, &now))
        exit(3);
    return now.tv_sec + now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    double before = seconds(CLOCK_MONOTONIC);
    struct timespec nap = {.tv_nsec = 30000000};
    unsigned char random[32] = {0}, zero[32] = {0};
    char line[64];
    char *large = malloc(4 << 20);

    for (int i = 0; i < argc; i++)
        printf("argument %d: %s\n", i, argv[i]);
    printf("GREETING=%s\n", getenv("GREETING") ? getenv("GREETING") : "(none)");
    printf("date %.0f\n", seconds(CLOCK_REALTIME));
    nanosleep(&nap, NULL);
    printf("slept %s\n", seconds(CLOCK_MONOTONIC) - before >= 0.03 ? "long enough" : "too short");
    printf("yield %d\n", sched_yield());
    printf("random %s\n", getentropy(random, sizeof(random)) == 0 && memcmp(random, zero, 32) ? "yes" : "no");
    memset(large, 1, 4 << 20);
    printf("malloc %d\n", large[(4 << 20) - 1]);
    printf("open: %s\n", fopen("/etc/passwd", "r") ? "opened" : strerror(errno));
    printf("lseek: %ld %d\n", (long)lseek(1, 0, SEEK_SET), errno == ESPIPE);
    printf("write to 9: %ld %d\n", (long)write(9, "x", 1), errno == EBADF);
    printf("gr\xc3\xbc\xc3\x9f" "e, and a byte that is no text: \xff\n");
    fprintf(stderr, "to stderr\n");
    if (getenv("ASK")) {
        struct pollfd wait = {.fd = 0, .events = POLLIN};

        printf("name? ");
        fflush(stdout);
        printf("poll %d\n", poll(&wait, 1, 20000));
        printf("hello %s", fgets(line, sizeof(line), stdin) ? line : "nobody\n");
    }
    printf("no line's end");
    return 7;
}
