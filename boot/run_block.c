/*
 * The run block, checked: run_block.h says what it is. Everything that it may lack has a plain meaning, so an image
 * that is booted by other means needs none.
 */
#include "run_block.h"
#include "boot.h"

const struct run_block *run_block;

/* In the image's notes (start.S). Volatile: what is in the file is not what the compiler sees. */
extern const volatile struct run_note run_note;
/* pvh.lds.S: where it is, mapped. */
extern const uint8_t run_block_start[];

/* How many bytes the `count` strings from `at` on take; `fatal` if one does not end before `end`. */
static uint32_t bytes_of(const char *at, const char *end, uint32_t count)
{
    const char *begin = at;

    for (; count; count--) {
        while (at < end && *at)
            at++;
        if (at == end)
            fatal("the run block is damaged: a string in it does not end");
        at++;
    }
    return at - begin;
}

void run_block_init(void)
{
    const struct run_block *block = (const struct run_block *)run_block_start;
    uint32_t size = run_note.size;

    if (!size)
        return;
    if (size < sizeof(*block) || size > RUN_BLOCK_ROOM || block->magic != RUN_BLOCK_MAGIC || block->size != size ||
        block->strings < sizeof(*block) || block->strings > size || block->cmdline >= size ||
        block->nonce[sizeof(block->nonce) - 1] || block->way[sizeof(block->way) - 1])
        fatal("the run block is damaged: its header contradicts itself");
    run_block = block;
}

const char *run_cmdline(void)
{
    if (!run_block || !run_block->cmdline)
        return NULL;
    bytes_of((const char *)run_block + run_block->cmdline, (const char *)run_block + run_block->size, 1);
    return (const char *)run_block + run_block->cmdline;
}

/* What the harness puts on a command line where there is no room for a run block, in front of the user's own words. */
static bool is_harness(const char *word)
{
    static const char *const keys[] = {"nonce=", "on=", "seq=", "crash="};

    for (uint32_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        uint32_t n = 0;

        while (keys[i][n] && keys[i][n] == word[n])
            n++;
        if (!keys[i][n])
            return true;
    }
    return false;
}

const char *user_words(void)
{
    const char *word = cmdline;

    if (run_block && run_block->nonce[0])
        return word;
    for (;;) {
        while (*word == ' ')
            word++;
        if (!is_harness(word))
            return word;
        while (*word && *word != ' ')
            word++;
    }
}

struct run_strings run_arguments(void)
{
    static const char name[] = "guest";

    if (!run_block || !run_block->arguments)
        return (struct run_strings){name, sizeof(name), 1};
    return (struct run_strings){
        (const char *)run_block + run_block->strings,
        bytes_of((const char *)run_block + run_block->strings, (const char *)run_block + run_block->size, run_block->arguments),
        run_block->arguments,
    };
}

struct run_strings run_words(void)
{
    static char text[MAX_CMDLINE];
    struct run_strings all = {.from = text};

    if (run_block && run_block->flags & RUN_ARGUMENTS)
        return all;
    for (const char *at = user_words(); *at;) {
        if (*at == ' ') {
            at++;
            continue;
        }
        while (*at && *at != ' ')
            text[all.bytes++] = *at++;
        text[all.bytes++] = 0;
        all.count++;
    }
    return all;
}

struct run_strings run_variables(void)
{
    const char *from, *end;

    if (!run_block)
        return (struct run_strings){0};
    end = (const char *)run_block + run_block->size;
    from = (const char *)run_block + run_block->strings;
    from += bytes_of(from, end, run_block->arguments);
    return (struct run_strings){from, bytes_of(from, end, run_block->variables), run_block->variables};
}
