/*
 * A kernel that knows nothing of xenlet: what another project's guest does, a letter of do= on its command line each.
 * p, c: prints by the debug port, or by console_io. m: prints what XENMEM_memory_map says. s, f, k: an XTF test's
 * SUCCESS, FAILURE, SKIP. h: hangs. 0 to 5: SCHEDOP_shutdown with this reason. Freestanding: gcc -m32.
 */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define DEBUG_PORT 0xe9
#define HYPERVISOR_memory_op 12
#define HYPERVISOR_console_io 18
#define HYPERVISOR_sched_op 29
#define XENMEM_memory_map 9
#define CONSOLEIO_write 0
#define SCHEDOP_shutdown 2

__asm__(".section .note.Xen, \"a\", @note\n"
        ".long 4, 4, 18\n"
        ".asciz \"Xen\"\n"
        ".long start\n"
        ".text\n"
        ".global start\n"
        "start: mov $stack_end, %esp\n"
        "push %ebx\n"
        "call main\n");

u8 stack[8192] __attribute__((aligned(16)));
__asm__(".global stack_end\n.set stack_end, stack + 8192\n");

struct start_info {
    u32 magic, version, flags, nr_modules;
    u64 modlist_paddr, cmdline_paddr, rsdp_paddr, memmap_paddr;
};

struct e820entry {
    u64 addr, size;
    u32 type;
} __attribute__((packed));

static u32 hypercall(u32 op, u32 a, u32 b, const void *c)
{
    u32 result;

    __asm__ volatile("vmmcall" : "=a"(result), "+b"(a), "+c"(b), "+d"(c) : "a"(op) : "memory");
    return result;
}

static void port(const char *text)
{
    for (; *text; text++)
        __asm__ volatile("outb %b0, %w1" : : "a"(*text), "Nd"(DEBUG_PORT));
}

static void number(u64 value)
{
    char digits[17];
    int at = 16;

    digits[at] = 0;
    do
        digits[--at] = "0123456789abcdef"[value & 15];
    while (value >>= 4);
    port(digits + at);
}

static void memory_map(void)
{
    static struct e820entry entries[128];
    struct {
        u32 count;
        struct e820entry *at;
    } map = {128, entries};
    int result = hypercall(HYPERVISOR_memory_op, XENMEM_memory_map, (u32)&map, 0);

    if (result) {
        port("XENMEM_memory_map: -");
        number(-result);
        port("\n");
        return;
    }
    for (u32 i = 0; i < map.count; i++) {
        port("map ");
        number(entries[i].addr);
        port(" ");
        number(entries[i].size);
        port(" ");
        number(entries[i].type);
        port("\n");
    }
}

static void do_(char letter)
{
    static const char said[] = "said by console_io\n";
    u32 reason = letter - '0';

    switch (letter) {
    case 'p':
        port("said by the port\n");
        break;
    case 'c':
        hypercall(HYPERVISOR_console_io, CONSOLEIO_write, sizeof said - 1, said);
        break;
    case 'm':
        memory_map();
        break;
    case 's':
        port("Test result: SUCCESS\n");
        break;
    case 'f':
        port("Test result: FAILURE\n");
        break;
    case 'k':
        port("Test result: SKIP\n");
        break;
    case 'h':
        for (;;)
            __asm__ volatile("pause");
    default:
        hypercall(HYPERVISOR_sched_op, SCHEDOP_shutdown, (u32)&reason, 0);
    }
}

void main(const struct start_info *info)
{
    const char *word = (const char *)(u32)info->cmdline_paddr;

    for (; *word; word++)
        if (word[0] == 'd' && word[1] == 'o' && word[2] == '=')
            break;
    for (word += 3; *word && *word != ' '; word++)
        do_(*word);
    for (;;)
        __asm__ volatile("hlt");
}
