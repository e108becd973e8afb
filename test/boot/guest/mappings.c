/*
 * A walk over the page tables in use: for each leaf, its frames and its effective rights.
 */
#include "guest.h"

#define PTE_PRESENT 0x001ul
#define PTE_WRITE 0x002ul
#define PTE_SUPERPAGE 0x080ul
#define PTE_NX 0x8000000000000000ul
#define PTE_FRAME 0x000ffffffffff000ul

struct leaf {
    uint64_t va, first, frames;
    bool write, execute;
};

typedef void visitor(const struct leaf *leaf, void *context);

/* Page tables are in the image's own data, so a table's physical address is its virtual one but for the base. */
static void walk_table(uint64_t table_phys, int level, uint64_t va, bool write, bool execute, visitor *visit, void *context)
{
    const uint64_t *table = (const uint64_t *)(table_phys + KERNEL_BASE);

    for (uint64_t i = 0; i < 512; i++) {
        uint64_t entry = table[i];
        uint64_t at = va | i << (12 + 9 * level);
        bool w = write && (entry & PTE_WRITE), x = execute && !(entry & PTE_NX);

        if (!(entry & PTE_PRESENT))
            continue;
        if (level == 0 || (entry & PTE_SUPERPAGE)) {
            struct leaf leaf = {(int64_t)(at << 16) >> 16, (entry & PTE_FRAME) >> 12, 1ul << (9 * level), w, x};
            visit(&leaf, context);
        } else {
            walk_table(entry & PTE_FRAME, level - 1, at, w, x, visit, context);
        }
    }
}

static void walk(visitor *visit, void *context)
{
    uint64_t cr3;

    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    walk_table(cr3 & PTE_FRAME, 3, 0, true, true, visit, context);
}

static void count_executable(const struct leaf *leaf, void *count)
{
    *(uint32_t *)count += leaf->execute ? leaf->frames : 0;
}

static void count_writable(const struct leaf *leaf, void *count)
{
    *(uint32_t *)count += leaf->write ? leaf->frames : 0;
}

static void count_low_executable(const struct leaf *leaf, void *count)
{
    *(uint32_t *)count += leaf->execute && leaf->va < KERNEL_BASE ? leaf->frames : 0;
}

struct frame_search {
    uint64_t frame;
    bool writable;
};

static void find_writable(const struct leaf *leaf, void *context)
{
    struct frame_search *search = context;

    if (leaf->write && search->frame - leaf->first < leaf->frames)
        search->writable = true;
}

static void count_conflicts(const struct leaf *leaf, void *count)
{
    for (uint64_t i = 0; leaf->execute && i < leaf->frames; i++) {
        struct frame_search search = {leaf->first + i, false};

        walk(find_writable, &search);
        *(uint32_t *)count += search.writable;
    }
}

static uint32_t total(visitor *visit)
{
    uint32_t count = 0;

    walk(visit, &count);
    return count;
}

uint32_t import_native_executable(void) { return total(count_executable); }
uint32_t import_native_writable(void) { return total(count_writable); }
uint32_t import_native_conflicts(void) { return total(count_conflicts); }
uint32_t import_native_low_executable(void) { return total(count_low_executable); }

void import_native_plant(void)
{
    shared_map(((uint64_t)text_start - KERNEL_BASE) >> PAGE_SHIFT, 1);
}
