/*
 * What C's stdio makes of a guest's standard streams, in the way that the first argument names: wasi.test.ts.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* wasi-libc has no clock() of its own; these are WASI's clocks 2 and 3, by its own names for them. */
static double cpu_seconds(clockid_t id)
{
    struct timespec now;

    if (clock_gettime(id, &now))
        exit(4);
    return now.tv_sec + now.tv_nsec / 1e9;
}

/* Lines that are longer than any buffer on their way, end where one ends, or are no text. */
static int lines(void)
{
    for (int i = 0; i < 1023; i++)
        putchar('a');
    printf("\xe2\x82\xac" "bcd\n");
    for (int i = 0; i < 1024; i++)
        putchar('x');
    printf("\n{\"data\":\"");
    for (int i = 0; i < 20000; i++)
        putchar('0' + i % 10);
    printf("\"}\nprogress 10%%\rprogress 100%%\nprompt> ");
    fflush(stdout);
    fprintf(stderr, "to stderr\n");
    printf("answer\n");
    fwrite("nul\0in\0line\n", 1, 12, stdout);
    fwrite("latin1 caf\xe9\n", 1, 12, stdout);
    printf("%.17g %a\n", 0.1, 1.0 / 3);
    printf("last line without newline");
    return 3;
}

static int count(void)
{
    uint32_t sum = 0, bytes = 0;
    int c;

    while ((c = getchar()) != EOF)
        sum = (sum ^ c) * 0x01000193, bytes++;
    printf("%u bytes, sum %u\n", bytes, sum);
    /* Once it has ended it stays so. */
    return getchar() == EOF ? 0 : 1;
}

/* For ever, if the CPU's time stood still. */
static int spin(clockid_t id)
{
    double begin = cpu_seconds(id), wall = cpu_seconds(CLOCK_MONOTONIC);

    while (cpu_seconds(id) - begin < 0.01)
        ;
    printf("ran 10 ms\n");
    return cpu_seconds(CLOCK_MONOTONIC) - wall < 0.0099;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    volatile int zero = 0;

    if (!strcmp(mode, "lines"))
        return lines();
    if (!strcmp(mode, "count"))
        return count();
    if (!strcmp(mode, "process-clock"))
        return spin(CLOCK_PROCESS_CPUTIME_ID);
    if (!strcmp(mode, "thread-clock"))
        return spin(CLOCK_THREAD_CPUTIME_ID);
    printf("checking... ");
    fflush(stdout);
    fprintf(stderr, "partial");
    if (!strcmp(mode, "abort"))
        abort();
    if (!strcmp(mode, "divide"))
        return 5 / zero;
    if (!strcmp(mode, "bounds"))
        *(volatile char *)0xf0000000 = 1;
    _Exit(4);
}
