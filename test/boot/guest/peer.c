/*
 * What Xen says of the domain's state, as `fact` records. Nothing of it needs an interrupt, an event or the clock.
 */
#include "boot.h"
#include "hypercall.h"

#define __HYPERVISOR_physdev_op 33
#define PHYSDEVOP_irq_status_query 5
#define EVTCHNOP_bind_virq 1
#define EVTCHNOP_status 5
#define EVTCHNOP_bind_ipi 7
#define EVTCHNSTAT_closed 0
#define VCPUOP_register_vcpu_info 10
#define VIRQ_TIMER 0
#define VIRQ_DEBUG 1
#define PIRQS 256
#define EACCES 13

/* event_channel.h, vcpu.h, physdev.h */
struct evtchn_status {
    uint16_t dom;
    uint32_t port, status, vcpu, u[2];
};
struct evtchn_bind_virq {
    uint32_t virq, vcpu, port;
};
struct evtchn_bind_ipi {
    uint32_t vcpu, port;
};
struct vcpu_register_vcpu_info {
    uint64_t mfn;
    uint32_t offset, rsvd;
};
struct physdev_irq_status_query {
    uint32_t irq, flags;
};

void import_native_probe(void);
void import_native_left(void);

static void number(int64_t value)
{
    if (value < 0)
        record_char('-');
    record_decimal(value < 0 ? -value : value);
}

/* Each port that is not closed, and its EVTCHNSTAT_*, before this kernel has bound one; -13 (EACCES): its other side
 * is in Xen, for a device model. Xen 4.20 tells its status like any other's. */
static void ports(void)
{
    bool first = true;

    record_begin("fact");
    record_text("ports: ");
    for (uint32_t port = 1;; port++) {
        struct evtchn_status status = {.dom = DOMID_SELF, .port = port};

        int64_t result = hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_status, (uint64_t)&status);

        if (result != 0 && result != -EACCES)
            break;
        if (result == 0 && status.status == EVTCHNSTAT_closed)
            continue;
        if (!first)
            record_char(',');
        first = false;
        number(port);
        record_char(':');
        number(result ? result : status.status);
    }
    record_end();
}

static int64_t bind_virq(uint32_t virq)
{
    struct evtchn_bind_virq bind = {.virq = virq};
    int64_t result = hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, (uint64_t)&bind);

    return result ? result : bind.port;
}

static int64_t bind_ipi(void)
{
    struct evtchn_bind_ipi bind = {0};
    int64_t result = hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, (uint64_t)&bind);

    return result ? result : bind.port;
}

static void pirqs(void)
{
    uint32_t known = 0;

    for (uint32_t irq = 0; irq < PIRQS; irq++) {
        struct physdev_irq_status_query query = {.irq = irq};

        if (hypercall2(__HYPERVISOR_physdev_op, PHYSDEVOP_irq_status_query, (uint64_t)&query) == 0)
            known++;
    }
    record_begin("fact");
    record_text("pirqs: ");
    number(known);
    record_end();
}

static void once(void)
{
    record_begin("fact");
    record_text("once: VIRQ_TIMER=");
    number(bind_virq(VIRQ_TIMER));
    record_text(" VIRQ_DEBUG=");
    number(bind_virq(VIRQ_DEBUG));
    record_text(" ipi=");
    number(bind_ipi());
    record_end();
}

/* Interrupts are off: Xen raises the upcall for the new place at once. */
static void vcpu_info(void)
{
    static uint8_t area[VCPU_INFO_SIZE] __attribute__((aligned(VCPU_INFO_SIZE)));
    struct vcpu_register_vcpu_info info = {
        .mfn = ((uint64_t)area - KERNEL_BASE) / PAGE_SIZE,
        .offset = (uint64_t)area % PAGE_SIZE,
    };

    record_begin("fact");
    record_text("vcpu_info: ");
    number(hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, (uint64_t)&info));
    record_end();
}

void import_native_probe(void)
{
    ports();
    pirqs();
    once();
}

/* With what is an error for a kernel that is no domain's first. */
void import_native_left(void)
{
    import_native_probe();
    vcpu_info();
}
