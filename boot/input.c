/*
 * Standard input. If the host serves it (RUN_INPUT), it is requested, so that nothing is typed that is not read,
 * and so that it is known that the guest waits:
 *
 *   the guest   a record, input:want=<bytes>
 *   the answer  up to so many bytes as base64 without padding, on the console, and a ';'. Nothing before the ';': the end
 *
 * Seven bits are all that Xen's console passes on. Otherwise it is what is typed on the console, by lines; Ctrl-D at a
 * line's beginning is its end.
 */
#include "boot.h"
#include "run_block.h"

#define END_OF_ANSWER ';'
#define END_OF_TRANSMISSION 4 /* Ctrl-D */
/* What is asked for at a time, and kept here. */
#define WANTED 3072

static uint8_t kept[WANTED];
static uint32_t kept_start, kept_end;
static bool asked, ended;

/* Of the answer: bits that are no whole byte yet, and whether there was anything. */
static uint32_t bits, bit_count;
static bool answered;

static bool line_begins = true;

static int32_t digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static void take_answer(uint8_t c)
{
    int32_t value = digit(c);

    if (c == END_OF_ANSWER) {
        asked = false;
        ended = !answered;
        return;
    }
    if (value < 0 || kept_end == sizeof(kept))
        return;
    answered = true;
    bits = bits << 6 | value;
    bit_count += 6;
    if (bit_count >= 8)
        kept[kept_end++] = bits >> (bit_count -= 8);
}

static void ask(void)
{
    asked = true;
    answered = false;
    bit_count = 0;
    record_begin("input");
    record_text("want=");
    record_decimal(WANTED);
    record_end();
}

/* What has come, and an answer is whole: whether there is something to read, or nothing any more. */
static bool is_there(void)
{
    return !asked && (kept_start < kept_end || ended);
}

bool input_ready(void)
{
    char typed[64];
    bool answers = run_block && run_block->flags & RUN_INPUT;
    uint32_t count;

    if (is_there())
        return true;
    if (!asked)
        kept_start = kept_end = 0;
    if (answers && !asked)
        ask();
    do {
        uint32_t room = sizeof(kept) - kept_end;

        count = console_read(typed, answers || room > sizeof(typed) ? sizeof(typed) : room);
        for (uint32_t i = 0; i < count; i++) {
            if (answers)
                take_answer(typed[i]);
            else
                kept[kept_end++] = typed[i];
        }
    } while (count && (!answers || asked));
    return is_there();
}

static uint32_t take(uint8_t *to, uint32_t size)
{
    uint32_t count = kept_end - kept_start < size ? kept_end - kept_start : size;

    __builtin_memcpy(to, kept + kept_start, count);
    kept_start += count;
    return count;
}

/* To the line's end; 0 for Ctrl-D at its beginning, which is not the final end. */
static uint32_t take_line(uint8_t *to, uint32_t size)
{
    uint32_t count = 0;

    while (count < size && kept_start < kept_end) {
        if (line_begins && kept[kept_start] == END_OF_TRANSMISSION) {
            kept_start += !count;
            break;
        }
        to[count] = kept[kept_start] == '\r' ? '\n' : kept[kept_start];
        kept_start++;
        line_begins = to[count++] == '\n';
        if (line_begins)
            break;
    }
    return count;
}

uint32_t input_read(void *to, uint32_t size)
{
    if (!size)
        return 0;
    while (!input_ready())
        console_wait(0);
    return run_block && run_block->flags & RUN_INPUT ? take(to, size) : take_line(to, size);
}
