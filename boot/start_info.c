/*
 * What the loader left in hvm_start_info, checked, and copied before anything can overwrite it: it lies
 * in ordinary RAM, often just where linear memory will grow (Xen: xen/arch/x86/hvm/dom0_build.c,
 * tools/libs/guest/xg_dom_x86.c).
 */
#include "boot.h"
#include "hypercall.h"
#include "multiboot2.h"
#include "run_block.h"

#define MAX_MEMMAP 64
#define MAX_MODULES 8

static struct hvm_start_info start_info;
char cmdline[MAX_CMDLINE];
static struct hvm_memmap_table_entry memmap[MAX_MEMMAP];
static struct hvm_modlist_entry modlist[MAX_MODULES];

static uint32_t length(const char *text)
{
    uint32_t n = 0;

    while (text[n])
        n++;
    return n;
}

/* Version 0 has no map, and Xen builds PVH dom0 with version 0: then Xen itself is asked, when the map is first needed. */
static void need_memory_map(void)
{
    static struct e820_entry e820[MAX_MEMMAP];
    struct xen_memory_map map = {.nr_entries = MAX_MEMMAP, .buffer = (uint64_t)e820};

    if (start_info.memmap_entries)
        return;
    if (hypercall2(__HYPERVISOR_memory_op, XENMEM_memory_map, (uint64_t)&map) != 0)
        fatal("XENMEM_memory_map failed, and start_info has no memory map");
    for (uint32_t i = 0; i < map.nr_entries; i++)
        memmap[i] = (struct hvm_memmap_table_entry){e820[i].addr, e820[i].size, e820[i].type, 0};
    start_info.memmap_entries = map.nr_entries;
}

/*
 * libxl gives a domain with a device model no command line and no module that an image other than hvmloader could use
 * (bootlate_hvm, tools/libs/guest/xg_dom_x86.c: a module is listed, but not loaded).
 */
static void take_from_run_block(void)
{
    const char *from = run_cmdline();

    for (uint32_t i = 0; from && i < MAX_CMDLINE - 1 && from[i]; i++)
        cmdline[i] = from[i];
    start_info.nr_modules = run_block && run_block->module_size;
    if (start_info.nr_modules)
        modlist[0] = (struct hvm_modlist_entry){.paddr = run_block->module_paddr, .size = run_block->module_size};
}

void start_info_init(void)
{
    if (multiboot2_magic == MULTIBOOT2_BOOTLOADER_MAGIC) {
        multiboot2_read(start_info_paddr, &start_info);
    } else {
        physical_read(&start_info, start_info_paddr, sizeof(start_info));
        if (start_info.magic != XEN_HVM_START_MAGIC_VALUE)
            fatal("start_info has the wrong magic: this image was not entered as PVH");
        if (start_info.version > 1)
            start_info.version = 1; /* later ones only add fields: start_info.h */
    }

    if (start_info.cmdline_paddr) {
        const char *from = physical_peek(start_info.cmdline_paddr); /* a page and more */

        for (uint32_t i = 0; i < MAX_CMDLINE - 1 && from[i]; i++)
            cmdline[i] = from[i];
    }

    if (start_info.nr_modules > MAX_MODULES)
        fatal("start_info names more than 8 modules");
    physical_read(modlist, start_info.modlist_paddr, start_info.nr_modules * sizeof(*modlist));

    if (!start_info.cmdline_paddr)
        take_from_run_block();

    if (start_info.version == 0 || !start_info.memmap_paddr) {
        start_info.memmap_entries = 0; /* version 0 ends before it */
    } else {
        if (start_info.memmap_entries > MAX_MEMMAP)
            fatal("start_info's memory map has more than 64 entries");
        physical_read(memmap, start_info.memmap_paddr, start_info.memmap_entries * sizeof(*memmap));
    }
}

bool is_hardware_domain(void)
{
    return start_info.flags & SIF_INITDOMAIN;
}

uint64_t ram_region_end(uint64_t paddr)
{
    need_memory_map();
    for (uint32_t i = 0; i < start_info.memmap_entries; i++) {
        const struct hvm_memmap_table_entry *region = &memmap[i];

        if (region->type == XEN_HVM_MEMMAP_TYPE_RAM && paddr >= region->addr && paddr - region->addr < region->size)
            return (region->addr + region->size) & -(uint64_t)PAGE_SIZE;
    }
    return 0;
}

/* The strings of `a` and behind them those of `b`, at most `size` bytes; returns how many there are. */
static uint32_t copy_strings(char *to, uint32_t size, struct run_strings a, struct run_strings b)
{
    uint32_t first = size < a.bytes ? size : a.bytes;

    __builtin_memcpy(to, a.from, first);
    size -= first;
    __builtin_memcpy(to + first, b.from, size < b.bytes ? size : b.bytes);
    return a.bytes + b.bytes;
}

/* Upwards by two pages at least, last page first: nothing is written before it was read. */
static void move_up(uint64_t to, uint64_t from, uint64_t size)
{
    for (uint64_t page = (size - 1) / PAGE_SIZE + 1; page-- > 0;) {
        uint64_t at = page * PAGE_SIZE;

        __builtin_memcpy(physical_poke(to + at), physical_peek(from + at), size - at < PAGE_SIZE ? size - at : PAGE_SIZE);
    }
}

/* The highest module below `top` that reaches above `lowest`. */
static struct hvm_modlist_entry *highest_module(uint64_t lowest, uint64_t top)
{
    struct hvm_modlist_entry *highest = NULL;

    for (uint32_t i = 0; i < start_info.nr_modules; i++) {
        struct hvm_modlist_entry *module = &modlist[i];

        if (module->size && module->paddr < top && module->paddr + module->size > lowest &&
            (!highest || module->paddr > highest->paddr))
            highest = module;
    }
    return highest;
}

uint64_t modules_keep(uint64_t lowest, uint64_t top)
{
    struct hvm_modlist_entry *module;
    uint64_t below = top;

    /* From the highest down, so that none is moved over one that has still to move. */
    while ((module = highest_module(lowest, below))) {
        uint64_t size = (module->size + PAGE_SIZE - 1) & -(uint64_t)PAGE_SIZE;

        below = module->paddr;
        if (module->paddr + 2 * PAGE_SIZE <= top - size) {
            move_up(top - size, module->paddr, module->size);
            module->paddr = top - size;
        }
        top = module->paddr & -(uint64_t)PAGE_SIZE;
    }
    return top;
}

uint32_t boot_data_copy(enum boot_data what, void *to, uint32_t size)
{
    const void *from;
    uint32_t bytes;

    switch (what) {
    case BOOT_START_INFO:
        need_memory_map();
        from = &start_info;
        bytes = sizeof(start_info);
        break;
    case BOOT_CMDLINE:
        from = cmdline;
        bytes = length(cmdline);
        break;
    case BOOT_MEMMAP:
        need_memory_map();
        from = memmap;
        bytes = start_info.memmap_entries * sizeof(*memmap);
        break;
    case BOOT_MODLIST:
        spare_end(); /* moves those that have to move */
        from = modlist;
        bytes = start_info.nr_modules * sizeof(*modlist);
        break;
    case BOOT_RUN_BLOCK:
        from = run_block;
        bytes = run_block ? run_block->size : 0;
        break;
    case BOOT_ARGUMENTS:
        return copy_strings(to, size, run_arguments(), run_words());
    case BOOT_VARIABLES:
        return copy_strings(to, size, run_variables(), (struct run_strings){0});
    default:
        return 0;
    }
    __builtin_memcpy(to, from, size < bytes ? size : bytes);
    return bytes;
}

const char *cmdline_value(const char *key, uint32_t *value_length)
{
    uint32_t key_length = length(key);

    for (const char *word = cmdline; *word;) {
        uint32_t n = 0;

        while (word[n] && word[n] != ' ')
            n++;
        if (n > key_length && !__builtin_memcmp(word, key, key_length) && word[key_length] == '=') {
            *value_length = n - key_length - 1;
            return word + key_length + 1;
        }
        word += n;
        while (*word == ' ')
            word++;
    }
    return NULL;
}
