/*
 * A 32-bit PVH kernel, for a 64-bit one to jump into: checks what the PVH entry promises, then makes hypercalls in
 * the 32-bit ABI, in which shared_info has another layout. Xen latches the layout when the callback vector is set;
 * before that it is still the last kernel's. Says all of it in records, and powers off. Freestanding: gcc -m32.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define NULL ((void *)0)
#define PAGE_SIZE 4096
#define XEN_HVM_START_MAGIC_VALUE 0x336ec578
#define DEBUG_PORT 0xe9

#define HYPERVISOR_memory_op 12
#define HYPERVISOR_sched_op 29
#define HYPERVISOR_event_channel_op 32
#define HYPERVISOR_hvm_op 34
#define DOMID_SELF 0x7ff0
#define XENMEM_add_to_physmap 7
#define XENMAPSPACE_shared_info 0
#define HVMOP_set_param 0
#define HVM_PARAM_CALLBACK_IRQ 0
#define EVTCHNOP_bind_ipi 7
#define EVTCHNOP_send 4
#define EVTCHNOP_unmask 9
#define SCHEDOP_shutdown 2
#define SHUTDOWN_poweroff 0
#define SHUTDOWN_crash 3

/* struct shared_info: where the two layouts have the masks, and the selector of vCPU 0's vcpu_info. */
#define MASK_32 2176
#define MASK_64 2560
#define SELECTOR_32 4
#define SELECTOR_64 8
#define PENDING 2048

__asm__(".section .note.Xen, \"a\", @note\n"
        ".long 4, 4, 18\n"
        ".asciz \"Xen\"\n"
        ".long start\n"
        ".text\n"
        ".global start\n"
        "start: mov $stack_end, %esp\n"
        "pushf\n"
        "pop %eax\n"
        "mov %cr0, %ecx\n"
        "mov %cr4, %edx\n"
        "push %edx\n"
        "push %ecx\n"
        "push %eax\n"
        "push %ebx\n"
        "call main\n");

u8 stack[8192] __attribute__((aligned(16)));
__asm__(".global stack_end\n.set stack_end, stack + 8192\n");
static u8 shared[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
/* In .bss, as the stack is: the image's loader has to clear it. */
static u32 zero_filled;

struct start_info {
    u32 magic, version, flags, nr_modules;
    u64 modlist_paddr, cmdline_paddr, rsdp_paddr, memmap_paddr;
    u32 memmap_entries, reserved;
};

struct memmap_entry {
    u64 addr, size;
    u32 type, reserved;
};

static u32 hypercall(u32 op, u32 cmd, void *argument)
{
    u32 result;

    __asm__ volatile("vmmcall" : "=a"(result) : "a"(op), "b"(cmd), "c"(argument) : "memory");
    return result;
}

static char line[200];
static u32 used;
static const char *nonce = "-";
static u32 nonce_length = 1;
static u32 sequence;

static void put(const char *text, u32 length)
{
    while (length-- && *text && used < sizeof(line) - 12)
        line[used++] = *text++;
}

static void put_text(const char *text)
{
    put(text, ~0u);
}

static void put_number(u32 value, u32 base)
{
    char digits[10];
    u32 n = 0;

    do
        digits[n++] = "0123456789abcdef"[value % base];
    while (value /= base);
    while (n--)
        put(&digits[n], 1);
}

/* boot/record.c has the format. */
static void begin(const char *kind)
{
    used = 0;
    put_text("~x1 ");
    put(nonce, nonce_length);
    put_text(" ");
    put_number(sequence++, 10);
    put_text(" ");
    put_text(kind);
    put_text(":");
}

static void end(void)
{
    u32 sum = 0x811c9dc5;

    for (u32 i = 0; i < used; i++)
        sum = (sum ^ (u8)line[i]) * 0x01000193;
    put_text(" #");
    for (int shift = 28; shift >= 0; shift -= 4)
        put(&"0123456789abcdef"[sum >> shift & 15], 1);
    put_text("\n");
    for (u32 i = 0; i < used; i++)
        __asm__ volatile("outb %0, %1" : : "a"(line[i]), "Nd"((u16)DEBUG_PORT));
}

static void say(const char *name, u32 value)
{
    begin("log");
    put_text(name);
    put_text(" 0x");
    put_number(value, 16);
    end();
}

static const char *value_of(const char *words, const char *key)
{
    while (*words) {
        const char *k = key, *w = words;

        while (*k && *w == *k)
            k++, w++;
        if (!*k)
            return w;
        while (*words && *words++ != ' ')
            ;
    }
    return NULL;
}

static void shut_down(u32 reason)
{
    hypercall(HYPERVISOR_sched_op, SCHEDOP_shutdown, &reason);
    for (;;)
        __asm__ volatile("cli; hlt");
}

static void take_words(const char *words)
{
    const char *value = value_of(words, "nonce=");

    if (value) {
        nonce = value;
        for (nonce_length = 0; value[nonce_length] > ' '; nonce_length++)
            ;
    }
    value = value_of(words, "seq=");
    for (sequence = 0; value && *value >= '0' && *value <= '9'; value++)
        sequence = sequence * 10 + (*value - '0');
}

static u64 ram(const struct start_info *info)
{
    const struct memmap_entry *map = (const void *)(u32)info->memmap_paddr;
    u64 bytes = 0;

    for (u32 i = 0; i < info->memmap_entries; i++)
        if (map[i].type == 1)
            bytes += map[i].size;
    return bytes;
}

/* An event of our own on port `port`, masked wherever a layout may have the mask: does the selector move, and where? */
static void show_layout(const char *name, u32 port)
{
    volatile u32 *at = (volatile u32 *)shared;

    at[SELECTOR_32 / 4] = at[SELECTOR_64 / 4] = at[PENDING / 4] = shared[0] = 0;
    at[MASK_32 / 4] = at[MASK_64 / 4] = 0;
    hypercall(HYPERVISOR_event_channel_op, EVTCHNOP_send, &port);
    begin("log");
    put_text(name);
    put_text(at[SELECTOR_32 / 4] ? " 32" : at[SELECTOR_64 / 4] ? " 64" : " none");
    end();
}

void main(const struct start_info *info, u32 eflags, u32 cr0, u32 cr4)
{
    struct {
        u16 domid, size;
        u32 space, idx, gpfn;
    } add = {DOMID_SELF, 0, XENMAPSPACE_shared_info, 0, (u32)shared / PAGE_SIZE};
    struct {
        u16 domid, pad;
        u32 index;
        u64 value;
    } callback = {DOMID_SELF, 0, HVM_PARAM_CALLBACK_IRQ, 2ull << 56 | 0xf3};
    struct {
        u32 vcpu, port;
    } ipi = {0, 0};

    if (info->magic != XEN_HVM_START_MAGIC_VALUE)
        shut_down(SHUTDOWN_crash);
    take_words((const char *)(u32)info->cmdline_paddr);
    say("version", info->version);
    say("cr0", cr0);
    say("cr4", cr4);
    say("eflags", eflags & 0x20300); /* VM, IF, TF */
    say("ram MiB", ram(info) >> 20);
    say("modules", info->nr_modules);
    say("zero-filled", zero_filled);
    say("shared_info", hypercall(HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add));
    say("bind_ipi", hypercall(HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, &ipi));
    say("port", ipi.port);
    show_layout("layout before", ipi.port);
    say("callback", hypercall(HYPERVISOR_hvm_op, HVMOP_set_param, &callback));
    show_layout("layout after", ipi.port);
    begin("exit");
    put_text("code=0");
    end();
    shut_down(SHUTDOWN_poweroff);
}
