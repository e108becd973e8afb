/*
 * Records: what the guest tells the outside, as lines on Xen's console.
 *
 *   ~x1 <nonce> <line number> <kind><+ or :><payload> #<checksum>\n
 *
 * Every domain has the debug port. Xen keeps about 200 bytes of a line there and drops what is not printable ASCII
 * (hvm_print_line, xen/arch/x86/hvm/hvm.c), so a payload is percent-encoded UTF-8, split over as many lines as it needs
 * (`+`: the next line continues the record; `:`: the last one), each under 190 bytes and with an FNV-1a checksum
 * from the `~` to the payload's end. The reader is src/host/protocol/record.ts.
 *
 * Xen emulates that port byte by byte, so domain 0 uses CONSOLEIO_write instead, a sixth of the cost: no other domain
 * may (xsm_console_io, xen/include/xsm/dummy.h).
 *
 * Nothing here allocates or needs Wasm's state: a trap reports through it.
 */
#include "boot.h"
#include "cpu.h"
#include "hypercall.h"
#include "run_block.h"

#define LINE_SIZE 190
/* guest_console_write (xen/drivers/char/console.c) takes so many bytes at a time: Xen's own lines come between two. */
#define CONSOLEIO_LINE_SIZE 127
/* How long a daemon may take to read the last line: ns. */
#define READ_WITHIN 2000000000ul
#define DECIMAL_SIZE sizeof("18446744073709551615")
#define PAYLOAD_LIMIT(size) ((size) - sizeof(" #01234567\n") - sizeof("%FF"))

static char line[LINE_SIZE];
static uint32_t line_length;
static uint32_t payload_limit;
static bool have_consoleio;
static uint32_t line_number;
static uint32_t continuation_at; /* where the line's `+` or `:` stands */
static const char *record_kind;
static uint32_t traits; /* the kind's */

#define MAGIC "~x1 "
#define MAX_NONCE 16
/* What each line begins with: the magic, and the nonce, or `-` as long as there is none. */
static char head[sizeof(MAGIC) + MAX_NONCE] = MAGIC "- ";
static uint32_t head_length = sizeof(MAGIC "- ") - 1;
static bool have_nonce;

/*
 * Where a record's lines go. To the PV console's ring, if the domain has one: what the guest prints, and every record if
 * the run reads them there (RUN_RING), at a fifth of the debug port's cost. By the port go the boot's stages, since nothing
 * is mapped for them, and trouble, since the ring may not be read after it; and everything if the run asked for that
 * (RUN_PORT). Without a nonce, records have no reader: the console gets the text alone, and what went wrong.
 */
static enum { TO_XEN, TO_CONSOLE, TEXT_TO_CONSOLE, NOWHERE } sink;
static bool port_alone, ring_read;

/* Whether the stages of the boot are left out. */
static bool quiet;

/* Another kernel jumped into this one. */
static bool jumped_into;

enum boot_stage stage_unsaid;

static void put(const char *text)
{
    while (*text)
        line[line_length++] = *text++;
}

static void put_hex(uint64_t value, int digits)
{
    while (digits--)
        line[line_length++] = "0123456789abcdef"[(value >> (4 * digits)) & 15];
}

/* Writes `value` before `end`, NUL-terminated there; returns its first digit. */
static char *decimal(char *end, uint64_t value)
{
    *--end = 0;
    do
        *--end = '0' + value % 10;
    while (value /= 10);
    return end;
}

static bool same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

/* What kinds of record have in common. */
enum {
    STAGE = 1,   /* of the boot */
    PRINTED = 2, /* standard output or error */
    BYTES = 4,   /* printed as they are: no line's end is added */
    STEP = 8,    /* for people, like what is printed */
    TROUBLE = 16,
    VERDICT = 32,
};

static uint32_t traits_of(const char *kind)
{
    static const struct {
        char kind[7];
        uint8_t traits;
    } known[] = {
        {"log", PRINTED}, {"error", PRINTED}, {"out", PRINTED | BYTES}, {"err", PRINTED | BYTES}, {"step", STEP},
        {"boot", STAGE},  {"exit", VERDICT},  {"trap", TROUBLE},        {"abort", TROUBLE},       {"fatal", TROUBLE},
    };

    for (uint32_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (known[i].kind[0] == kind[0] && same(known[i].kind, kind))
            return known[i].traits;
    return 0;
}

static void choose_sink(void)
{
    bool trouble = traits & TROUBLE, printed = traits & PRINTED;

    sink = TO_XEN;
    if (traits & STAGE)
        sink = quiet ? NOWHERE : ring_read && console_mapped() ? TO_CONSOLE : TO_XEN;
    else if (have_nonce)
        sink = !port_alone && (printed || (ring_read && !trouble)) && console_attached() ? TO_CONSOLE : TO_XEN;
    else if (traits & (PRINTED | STEP | TROUBLE) && console_attached())
        sink = TEXT_TO_CONSOLE;
}

static void line_begin(void)
{
    char digits[DECIMAL_SIZE];

    line_length = 0;
    if (sink == TEXT_TO_CONSOLE || sink == NOWHERE)
        return;
    __builtin_memcpy(line, head, head_length);
    line_length = head_length;
    put(decimal(digits + sizeof(digits), line_number++));
    put(" ");
    put(record_kind);
    continuation_at = line_length;
    put(":");
}

static void put_out(void)
{
    if (!have_consoleio || line_length > CONSOLEIO_LINE_SIZE ||
        hypercall3(__HYPERVISOR_console_io, CONSOLEIO_write, line_length, (uint64_t)line))
        outsb(XEN_HVM_DEBUGCONS_IOPORT, line, line_length);
}

/* The way to run, by its first letter. */
static bool runs_as(char way)
{
    return run_block && run_block->way[0] == way;
}

static void line_end(void)
{
    uint32_t sum = 0x811c9dc5;

    if (sink == NOWHERE)
        return;
    if (sink == TEXT_TO_CONSOLE) {
        console_write(line, line_length);
        return;
    }
    for (uint32_t i = 0; i < line_length; i++)
        sum = (sum ^ (uint8_t)line[i]) * 0x01000193;
    put(" #");
    put_hex(sum, 8);
    put("\n");
    if (sink == TO_XEN)
        put_out();
    else if (traits & VERDICT && runs_as('d')) /* xenlet's toolstack reads the ring when the domain has ended; under xl nothing may */
        console_leave(line, line_length);
    else
        console_write(line, line_length);
}

void record_set_nonce(const char *from, uint32_t length)
{
    if (length > MAX_NONCE)
        length = MAX_NONCE;
    __builtin_memcpy(head + sizeof(MAGIC) - 1, from, length);
    head_length = sizeof(MAGIC) - 1 + length;
    head[head_length++] = ' ';
    have_nonce = from[0] != '-';
}

void record_begin_run(const char *from, uint32_t length)
{
    record_set_nonce(from, length);
    line_number = 0;
    record_stage(STAGE_RUNTIME);
}

void record_set_consoleio(void)
{
    have_consoleio = true;
}

void record_set_run(const struct run_block *run)
{
    uint32_t length = 0;

    while (run->nonce[length])
        length++;
    if (length)
        record_set_nonce(run->nonce, length);
    record_set_sequence(run->sequence, sizeof(run->sequence));
    quiet = run->flags & RUN_QUIET;
    port_alone = run->flags & RUN_PORT;
    ring_read = run->flags & RUN_RING;
    jumped_into = run->flags & RUN_JUMPED;
}

uint32_t record_sequence(void)
{
    return line_number;
}

void record_set_sequence(const char *digits, uint32_t length)
{
    jumped_into = true;
    line_number = 0;
    for (uint32_t i = 0; i < length && digits[i] >= '0' && digits[i] <= '9'; i++)
        line_number = line_number * 10 + (digits[i] - '0');
}

/*
 * One line at a time, whichever vCPU writes it. A trap in the middle of this vCPU's own record goes ahead,
 * and so does a vCPU that has waited long: the other one may never continue.
 */
static volatile uint32_t owner; /* vCPU id + 1, or 0 */

static void lock(void)
{
    uint32_t me = this_vcpu()->id + 1;

    for (uint32_t tries = 0; tries < 1000000; tries++) {
        uint32_t nobody = 0;

        if (owner == me || __atomic_compare_exchange_n(&owner, &nobody, me, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return;
        __builtin_ia32_pause();
    }
}

static void unlock(void)
{
    __atomic_store_n(&owner, 0, __ATOMIC_RELEASE);
}

void record_stage(enum boot_stage stage)
{
    stage_unsaid = stage;
    if (stage == STAGE_RUNTIME && jumped_into)
        record_say_stage();
}

void record_say_stage(void)
{
    enum boot_stage stage = stage_unsaid;

    stage_unsaid = STAGE_SAID;
    record_begin("boot");
    record_text(stage == STAGE_RUNTIME ? "stage=runtime" : "stage=entered");
    record_end();
}

/* A line of the ring that may never be read there: once more by the port, marked. The reader knows the one from the other. */
static void send_again(const char *text, uint32_t size)
{
    static const char mark[] = "~again ";

    if (size <= sizeof(MAGIC) || __builtin_memcmp(text, MAGIC, sizeof(MAGIC) - 1))
        return;
    outsb(XEN_HVM_DEBUGCONS_IOPORT, mark, sizeof(mark) - 1);
    outsb(XEN_HVM_DEBUGCONS_IOPORT, text, size);
}

void record_begin(const char *kind)
{
    uint32_t kinds = traits_of(kind);

    if (stage_unsaid == STAGE_RUNTIME && !(kinds & (TROUBLE | STAGE)))
        stage_unsaid = STAGE_SAID;
    if (stage_unsaid)
        record_say_stage();
    lock();
    if (kinds & TROUBLE && have_nonce)
        console_unread(send_again);
    record_kind = kind;
    traits = kinds;
    choose_sink();
    /* Lines of the console too: the toolstack that passes them on is domain 0. */
    payload_limit = have_consoleio || sink == TO_CONSOLE ? PAYLOAD_LIMIT(CONSOLEIO_LINE_SIZE) : PAYLOAD_LIMIT(LINE_SIZE);
    line_begin();
    if (sink == TEXT_TO_CONSOLE && kinds & TROUBLE) {
        put(kind);
        put(": ");
    }
}

void record_end(void)
{
    bool flush = traits & VERDICT && runs_as('x');

    if (sink == TEXT_TO_CONSOLE && !(traits & BYTES))
        line[line_length++] = '\n';
    line_end();
    unlock();
    if (flush)
        console_flush(READ_WITHIN);
}

void record_pass_on(const char *from, uint32_t size)
{
    lock();
    __builtin_memcpy(line, from, size);
    line[size] = '\n';
    line_length = size + 1;
    put_out();
    unlock();
}

void record_char(uint8_t byte)
{
    if (line_length >= payload_limit) {
        if (sink != TEXT_TO_CONSOLE)
            line[continuation_at] = '+';
        line_end();
        line_begin();
    }
    if (sink == TEXT_TO_CONSOLE) {
        line[line_length++] = byte;
    } else if (byte < 0x20 || byte > 0x7e || byte == '%') {
        put("%");
        line[line_length++] = "0123456789ABCDEF"[byte >> 4];
        line[line_length++] = "0123456789ABCDEF"[byte & 15];
    } else {
        line[line_length++] = byte;
    }
}

void record_text(const char *text)
{
    while (*text)
        record_char(*text++);
}

void record_hex(uint64_t value)
{
    int digits = 1;

    while (digits < 16 && value >> (4 * digits))
        digits++;
    record_text("0x");
    while (digits--)
        record_char("0123456789abcdef"[(value >> (4 * digits)) & 15]);
}

void record_decimal(uint64_t value)
{
    char digits[DECIMAL_SIZE];

    record_text(decimal(digits + sizeof(digits), value));
}

static void record_code_point(uint32_t point)
{
    if (point < 0x80) {
        record_char(point);
        return;
    }
    if (point < 0x800) {
        record_char(0xc0 | point >> 6);
    } else {
        if (point < 0x10000) {
            record_char(0xe0 | point >> 12);
        } else {
            record_char(0xf0 | point >> 18);
            record_char(0x80 | (point >> 12 & 0x3f));
        }
        record_char(0x80 | (point >> 6 & 0x3f));
    }
    record_char(0x80 | (point & 0x3f));
}

/* AssemblyScript's strings. A surrogate without its other half becomes U+FFFD, as in JavaScript's encoders. */
void record_utf16(const uint16_t *units, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t unit = units[i];

        /* Nearly all of most texts. */
        if (unit - ' ' < 0x7f - ' ' && unit != '%' && line_length < payload_limit) {
            line[line_length++] = unit;
            continue;
        }
        if ((unit & 0xfc00) == 0xd800 && i + 1 < count && (units[i + 1] & 0xfc00) == 0xdc00)
            unit = 0x10000 + ((unit & 0x3ff) << 10) + (units[++i] & 0x3ff);
        else if ((unit & 0xf800) == 0xd800)
            unit = 0xfffd;
        record_code_point(unit);
    }
}

/* Of one record, in UTF-16 units or bytes: more than any text for people, less than what the reader takes for one. */
#define PIECE 16384

void record_line(const char *kind, const uint16_t *units, uint32_t count)
{
    while (count > PIECE && traits_of(kind) & PRINTED) {
        bool is_error = kind[0] == 'e';
        uint32_t some = PIECE;

        /* Both halves of a character in one piece. */
        if ((units[some - 1] & 0xfc00) == 0xd800)
            some--;
        record_begin(is_error ? "err" : "out");
        record_utf16(units, some);
        record_end();
        units += some;
        count -= some;
    }
    record_begin(kind);
    record_utf16(units, count);
    record_end();
}

void record_output(bool is_error, const uint8_t *bytes, uint32_t size)
{
    while (size) {
        uint32_t some = size < PIECE ? size : PIECE;

        record_begin(is_error ? "err" : "out");
        for (uint32_t i = 0; i < some; i++)
            record_char(bytes[i]);
        record_end();
        bytes += some;
        size -= some;
    }
}
