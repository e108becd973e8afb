/*
 * The shared_info page: Xen's own, which a guest maps over a frame of its own. It is mapped when something first needs it
 * and not before: the runtime with its event upcall (src/guest/xenlet/internal/events/shared-info.ts), the clocks of a module without runtime
 * (runtime/wasm/foreign.c), or here a wait for a console's ring.
 */
#include "boot.h"
#include "hypercall.h"

volatile uint8_t *shared_info;

static uint64_t place, place_gfn;
static bool lost;

uint64_t shared_info_place(void)
{
    if (!place) {
        place = shared_alloc(1);
        place_gfn = spare_end() >> PAGE_SHIFT; /* shared_alloc() takes the last one */
    }
    return place;
}

void shared_info_set(uint64_t address)
{
    shared_info = (volatile uint8_t *)address;
    lost = !address;
}

void shared_info_found(void)
{
    lost = false;
}

bool shared_info_map(void)
{
    struct xen_add_to_physmap add = {.domid = DOMID_SELF, .space = XENMAPSPACE_shared_info};
    struct xen_hvm_param no_callback = {.domid = DOMID_SELF, .index = HVM_PARAM_CALLBACK_IRQ};

    if (shared_info)
        return true;
    if (lost || !shared_info_place())
        return false;
    add.gpfn = place_gfn;
    if (hypercall2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, (uint64_t)&add))
        return false;
    /* From 64-bit mode: this latches the page's width and has the wall clock written there (hvm_latch_shinfo_size). */
    if (hypercall2(__HYPERVISOR_hvm_op, HVMOP_set_param, (uint64_t)&no_callback))
        return false;
    shared_info = (volatile uint8_t *)place;
    return true;
}
