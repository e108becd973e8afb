/*
 * Linear memory's page tables, and the window of shared frames.
 *
 *   [4 KiB page table | 2 MiB pages ...            | 4 KiB page table ]  guard
 *    page 0 absent     as many as are whole          the rest of it
 *
 * Linear memory is contiguous in physical memory, from linear_phys on, so a pointer's frame is
 * (linear_phys + pointer) >> 12. Growth fills the last table, and turns it into a 2 MiB page when it is
 * full: seven tables serve any size, and none is allocated.
 *
 * Shared frames are taken from the top of the same RAM region, downwards: linear memory grows to meet them.
 */
#include "boot.h"
#include "cpu.h"

#define PTE_PRESENT 0x001ul
#define PTE_WRITE 0x002ul
#define PTE_SUPERPAGE 0x080ul
#define PTE_NX 0x8000000000000000ul
#define PTE_TABLE (PTE_PRESENT | PTE_WRITE)
#define PTE_DATA (PTE_PRESENT | PTE_WRITE | PTE_NX)
#define PTE_FRAME 0x000ffffffffff000ul

static uint64_t linear_base; /* &linear_phys, as a number */
static uint64_t linear_end;  /* mapped up to here, virtual */
static uint64_t ram_end;     /* room_end(); 0 until first needed */
static uint64_t shared_base; /* where the window begins */
static uint32_t shared_used; /* pages of the window in use */

static uint64_t table_phys(const uint64_t *table)
{
    return (uint64_t)table - KERNEL_BASE;
}

static void unmap_kernel_page(const void *page)
{
    kernel_pt[((uint64_t)page - KERNEL_BASE) >> PAGE_SHIFT] = 0;
    invlpg((uint64_t)page);
}

static void map_scratch(int page, uint64_t mapping)
{
    uint64_t *entry = &kernel_pt[(((uint64_t)scratch_page - KERNEL_BASE) >> PAGE_SHIFT) + page];

    if (*entry != mapping) {
        *entry = mapping;
        invlpg((uint64_t)scratch_page + page * PAGE_SIZE);
    }
}

/* Two pages, so that a structure may cross a page's end. */
const void *physical_peek(uint64_t paddr)
{
    for (int page = 0; page < 2; page++)
        map_scratch(page, ((paddr & PTE_FRAME) + page * PAGE_SIZE) | PTE_PRESENT | PTE_NX);
    return scratch_page + paddr % PAGE_SIZE;
}

void physical_read(void *to, uint64_t paddr, uint64_t bytes)
{
    uint8_t *out = to;

    while (bytes) {
        uint64_t chunk = PAGE_SIZE - paddr % PAGE_SIZE;

        if (chunk > bytes)
            chunk = bytes;
        __builtin_memcpy(out, physical_peek(paddr), chunk);
        out += chunk;
        paddr += chunk;
        bytes -= chunk;
    }
}

void *physical_poke(uint64_t paddr)
{
    map_scratch(2, (paddr & PTE_FRAME) | PTE_DATA);
    return scratch_page + 2 * PAGE_SIZE;
}

void physical_write(uint64_t paddr, const void *from, uint64_t bytes)
{
    const uint8_t *in = from;

    while (bytes) {
        uint64_t chunk = PAGE_SIZE - paddr % PAGE_SIZE;

        if (chunk > bytes)
            chunk = bytes;
        __builtin_memcpy((uint8_t *)physical_poke(paddr) + paddr % PAGE_SIZE, in, chunk);
        in += chunk;
        paddr += chunk;
        bytes -= chunk;
    }
}

/* Maps [linear_end, end). Page 0 may be left out, so that a null pointer faults. */
static void linear_map(uint64_t end)
{
    for (uint64_t va = linear_end; va < end; va += PAGE_SIZE) {
        uint64_t superpage = va / SUPERPAGE_SIZE;
        uint64_t *table = superpage ? linear_tail_pt : linear_first_pt;
        uint32_t slot = va / PAGE_SIZE % 512;

        if (superpage && slot == 0) {
            /* The table moves up; what it mapped until now is whole. */
            if (superpage > 1)
                linear_pd[superpage - 1] =
                    (linear_base + (superpage - 1) * SUPERPAGE_SIZE) | PTE_DATA | PTE_SUPERPAGE;
            __builtin_memset(linear_tail_pt, 0, PAGE_SIZE);
            linear_pd[superpage] = table_phys(linear_tail_pt) | PTE_TABLE;
            reload_cr3();
        }
        if (va || linear_page_zero)
            table[slot] = (linear_base + va) | PTE_DATA;
    }
    linear_end = end;
}

/*
 * The first physical byte that is not linear memory's to grow into. The memory map says, and may have to be asked of Xen:
 * not before linear memory grows beyond what the image has room for, or a frame is requested.
 */
static uint64_t room_end(void)
{
    if (!ram_end)
        ram_end = modules_keep(linear_base + linear_end, ram_region_end(linear_base));
    return ram_end;
}

/* All `bytes` are in the image's last segment (pvh.lds.S), so its loader found RAM for them. */
void linear_init(uint32_t bytes)
{
    linear_base = (uint64_t)linear_phys;
    for (int gib = 0; gib < 4; gib++)
        linear_pdpt[gib] = (table_phys(linear_pd) + gib * PAGE_SIZE) | PTE_TABLE;
    linear_pd[0] = table_phys(linear_first_pt) | PTE_TABLE;
    if (!module_knows_xen) {
        shared_base = KERNEL_BASE + KERNEL_PT_PAGES * SUPERPAGE_SIZE;
        kernel_pd[KERNEL_PT_PAGES] = table_phys(shared_pt) | PTE_TABLE;
    } else {
        shared_base = SHARED_BASE;
        linear_pd[SHARED_BASE / SUPERPAGE_SIZE] = table_phys(shared_pt) | PTE_TABLE;
    }
    linear_map(bytes);

    for (uint32_t i = 0; i < MAX_VCPUS - 1; i++)
        unmap_kernel_page(secondary_stacks + i * (PAGE_SIZE + SECONDARY_STACK_SIZE));
    for (uint32_t i = 0; i < MAX_VCPUS * IST_SLOTS; i++)
        unmap_kernel_page(fault_stacks + i * (PAGE_SIZE + FAULT_STACK_SIZE));
    for (int page = 0; page < 3; page++)
        unmap_kernel_page(scratch_page + page * PAGE_SIZE);
}

bool linear_grow(uint64_t from, uint64_t bytes)
{
    if (bytes > SHARED_BASE || linear_base + bytes > room_end())
        return false;
    linear_map(bytes);
    clear_bytes((void *)from, bytes - from);
    return true;
}

uint64_t shared_map(uint64_t gfn, uint32_t count)
{
    uint64_t address = shared_base + shared_used * PAGE_SIZE;

    if (count > SHARED_PAGES - shared_used)
        return 0;
    for (uint32_t i = 0; i < count; i++)
        shared_pt[shared_used++] = (gfn + i) << PAGE_SHIFT | PTE_DATA;
    return address;
}

uint64_t shared_alloc(uint32_t count)
{
    uint64_t bytes = (uint64_t)count * PAGE_SIZE;
    uint64_t address;

    if (linear_base + linear_end + bytes > room_end())
        return 0;
    address = shared_map((ram_end - bytes) >> PAGE_SHIFT, count);
    if (address) {
        ram_end -= bytes;
        clear_bytes((void *)address, bytes);
    }
    return address;
}

uint64_t spare_begin(void)
{
    return linear_base + linear_end;
}

uint64_t spare_end(void)
{
    return room_end();
}

bool spare_set_end(uint64_t end)
{
    if (end < spare_begin())
        return false;
    ram_end = end;
    return true;
}

uint64_t frame_of(uint32_t address)
{
    if (address >= SHARED_BASE) {
        uint64_t entry = shared_pt[(address - SHARED_BASE) >> PAGE_SHIFT];

        return entry & PTE_PRESENT ? (entry & PTE_FRAME) >> PAGE_SHIFT : ~0ul;
    }
    return address < linear_end ? (linear_base + address) >> PAGE_SHIFT : ~0ul;
}

/* Whether `address` is in a page that begins a `stride` in the `count` from `first` on. */
static bool begins_stride(uint64_t address, const uint8_t *first, uint32_t count, uint32_t stride)
{
    uint64_t offset = address - (uint64_t)first;

    return offset < (uint64_t)count * stride && offset % stride < PAGE_SIZE;
}

bool stack_extend(uint64_t address)
{
    uint64_t lowest = (uint64_t)stack_guard + PAGE_SIZE;
    uint64_t page = address & -(uint64_t)STACK_STEP;

    if (address < lowest || address >= (uint64_t)stack_end)
        return false;
    for (uint64_t end = page + STACK_STEP; page < end; page += PAGE_SIZE)
        if (page >= lowest && page < (uint64_t)stack_end)
            kernel_pt[(page - KERNEL_BASE) >> PAGE_SHIFT] = (page - KERNEL_BASE) | PTE_DATA;
    return true;
}

void stack_map_all(void)
{
    for (uint64_t page = (uint64_t)stack_guard + PAGE_SIZE; page < (uint64_t)stack_end; page += STACK_STEP)
        stack_extend(page);
}

bool is_stack_guard(uint64_t address)
{
    return begins_stride(address, stack_guard, 1, PAGE_SIZE) ||
           begins_stride(address, secondary_stacks, MAX_VCPUS - 1, PAGE_SIZE + SECONDARY_STACK_SIZE) ||
           begins_stride(address, fault_stacks, MAX_VCPUS * IST_SLOTS, PAGE_SIZE + FAULT_STACK_SIZE);
}
