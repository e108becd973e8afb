/*
 * hello in C, with the duties that xenlet's runtime has (src/guest/runtime.ts): shared_info mapped and cleared, the
 * upcall registered, interrupts on, the PV console looked for, and the same records. Around it is what is around
 * every module that was not compiled with xenlet's runtime (linker/foreign.c): the console, and the verdict.
 */
#include "guest.h"

#include "foreign.h"

/* memory.h, hvm_op.h, params.h */
#define XENMEM_add_to_physmap 7
#define XENMAPSPACE_shared_info 0
#define HVMOP_set_param 0
#define HVM_PARAM_CALLBACK_IRQ 0
#define HVM_PARAM_CALLBACK_TYPE_VECTOR 2ul

void w2c_native_hello(struct w2c_native *native)
{
    struct {
        uint16_t domid, size;
        uint32_t space;
        uint64_t idx, gpfn;
    } add = {.domid = DOMID_SELF, .space = XENMAPSPACE_shared_info};
    struct xen_hvm_param callback = {
        .domid = DOMID_SELF,
        .index = HVM_PARAM_CALLBACK_IRQ,
        .value = HVM_PARAM_CALLBACK_TYPE_VECTOR << 56 | UPCALL_VECTOR,
    };
    volatile uint64_t *words;
    uint64_t page = shared_alloc(1);

    (void)native;
    add.gpfn = spare_end() >> PAGE_SHIFT;
    if (hypercall2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, (uint64_t)&add))
        fatal("XENMEM_add_to_physmap");
    shared_info = (volatile uint8_t *)page;
    words = (volatile uint64_t *)page;
    words[0] = 0; /* vcpu_info: no upcall pending, none masked */
    words[1] = 0;
    for (int i = 0; i < 64; i++) {
        words[SHARED_INFO_EVTCHN_PENDING / 8 + i] = 0;
        words[SHARED_INFO_EVTCHN_PENDING / 8 + 64 + i] = ~0ul;
    }
    if (hypercall2(__HYPERVISOR_hvm_op, HVMOP_set_param, (uint64_t)&callback))
        fatal("HVMOP_set_param");
    __asm__ volatile("sti");
    record_begin("log");
    record_text("Hello from a Xen guest");
    record_end();
}

/* Without the verdict: as far as the first line. */
void w2c_native_power_off(struct w2c_native *native)
{
    (void)native;
    shutdown(SHUTDOWN_poweroff);
}
