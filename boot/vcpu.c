/*
 * Secondary vCPUs: started in either of Xen's two ways, then running the programs that they find in a mailbox.
 *
 * AssemblyScript runs on vCPU 0 only (its allocator and collector are not re-entrant). A secondary vCPU runs what is a
 * list in memory: vcpu-program.c. Between programs it sleeps in SCHEDOP_poll on its own event channel port, with interrupts
 * off, which is race free: Xen looks at the pending bit after it has entered the vCPU as polling.
 */
#include "boot.h"
#include "cpu.h"
#include "hypercall.h"
#include "lapic.h"

static volatile uint32_t online; /* bit map of vCPUs that have reached vcpu_main */

bool lapic_in_use;

/* Xen raises no event whose bit is set already, so the port is cleared before it is waited for again. */
static void clear_events(struct vcpu *self)
{
    events_take(self);
    event_clear(self->mailbox.port);
}

/*
 * A program is written before its event is sent, and Xen sets the event's bit before it wakes whom it is for. What comes in
 * between would end the sleep that the program asks for, so it begins when all that is over.
 */
static void await_event(const struct mailbox *box)
{
    while (box->sent != box->sequence)
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
}

static void idle(struct vcpu *self)
{
    struct sched_poll argument = {.ports = (uint64_t)&self->mailbox.port, .nr_ports = 1};

    hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, (uint64_t)&argument);
}

static _Noreturn void vcpu_main(void)
{
    struct vcpu *self = (struct vcpu *)starting_vcpu;
    struct mailbox *box = &self->mailbox;

    traps_init(self);
    __atomic_fetch_or(&online, 1u << self->id, __ATOMIC_SEQ_CST);
    for (;;) {
        while (box->sequence == box->done)
            idle(self);
        await_event(box);
        /* The event that brought the program is used up; one that comes from here on ends a block or a poll. */
        clear_events(self);
        __atomic_store_n(&box->taken, box->sequence, __ATOMIC_RELEASE);
        box->result = vcpu_program_run(self, (struct vcpu_program *)(uint64_t)box->program);
        clear_events(self);
        __atomic_store_n(&box->done, box->sequence, __ATOMIC_RELEASE);
    }
}

/* Real mode needs its code below 1 MiB: a copy, in a page that is mapped for this only. */
static bool place_ap_start(void)
{
    static bool placed;
    uint32_t window;

    if (placed)
        return true;
    if (ram_region_end(AP_START_PHYS) < AP_START_PHYS + PAGE_SIZE)
        return false;
    window = shared_map(AP_START_PHYS >> PAGE_SHIFT, 1);
    if (!window)
        return false;
    __builtin_memcpy((void *)(uint64_t)window, ap_start16, ap_start16_end - ap_start16);
    placed = true;
    return true;
}

static int64_t start_by_hypercall(uint32_t id)
{
    struct vcpu_hvm_context_64 context = {
        .mode = VCPU_HVM_MODE_64B,
        .rip = (uint64_t)start64,
        .rflags = 2,
        .cr0 = 0x80010033, /* as start.S sets them: PG, WP, NE, ET, MP, PE */
        .cr3 = (uint64_t)pml4 - KERNEL_BASE,
        .cr4 = 0x620,   /* PAE, OSFXSR, OSXMMEXCPT */
        .efer = 0xd00,  /* NXE, LMA, LME */
    };
    int64_t result = hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_initialise, id, (uint64_t)&context);

    return result ? result : hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_up, id, 0);
}

int64_t vcpu_start(uint32_t id, enum vcpu_start how, uint32_t port)
{
    struct vcpu *vcpu = &vcpus[id];
    int64_t result = 0;

    if (id == 0 || id >= MAX_VCPUS || !shared_info)
        return -22; /* -EINVAL */
    if (online & 1u << id)
        return start_by_hypercall(id); /* it runs: what Xen says of that, and nothing of it touched */
    __builtin_memset(vcpu, 0, sizeof(*vcpu));
    vcpu->id = id;
    vcpu->vcpu_info = shared_info + id * VCPU_INFO_SIZE;
    vcpu->mailbox.port = port;
    online &= ~(1u << id);
    starting_vcpu = (uint64_t)vcpu;
    starting_stack = (uint64_t)secondary_stacks + id * (PAGE_SIZE + SECONDARY_STACK_SIZE);
    starting_entry = (uint64_t)vcpu_main;

    if (how == VCPU_START_HYPERCALL) {
        result = start_by_hypercall(id);
    } else if (!place_ap_start()) {
        return -12; /* -ENOMEM */
    } else {
        lapic_enable();
        lapic_send(id, ICR_INIT);
        lapic_send(id, ICR_STARTUP | AP_START_PHYS >> PAGE_SHIFT);
    }
    /* The variables above are the next one's as soon as this one has read them. */
    while (!result && !(online & 1u << id))
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
    return result;
}

bool vcpu_ran(uint32_t id)
{
    return online & 1u << id;
}

void vcpu_reset(uint32_t id)
{
    /* Xen holds this vCPU until the other one is reset (vlapic_ipi, hvm/vlapic.c), so there is nothing to wait for. */
    lapic_enable();
    lapic_send(id, ICR_INIT);
    __atomic_fetch_and(&online, ~(1u << id), __ATOMIC_SEQ_CST);
}

bool vcpu_give(uint32_t id, uint32_t program)
{
    struct mailbox *box = &vcpus[id].mailbox;

    if (box->done != box->sequence)
        return false;
    box->program = program;
    __atomic_store_n(&box->sequence, box->sequence + 1, __ATOMIC_RELEASE);
    return true;
}

bool vcpu_taken(uint32_t id)
{
    struct mailbox *box = &vcpus[id].mailbox;

    box->sent = box->sequence;
    return box->taken == box->sequence;
}
