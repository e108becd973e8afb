/*
 * Exceptions: each ends the guest, after a record that says what happened in Wasm's words.
 *
 * Wasm's own checks are `ud2` followed by a byte that says which (runtime/wasm/lowered.h), so a check costs
 * nothing until it fails, and the faulting address is in the Wasm function itself. The rest is reported by
 * the page tables: which address was touched, and how.
 */
#include "boot.h"
#include "cpu.h"

#define VECTOR_NMI 2
#define VECTOR_UD 6
#define VECTOR_DF 8
#define VECTOR_PF 14

/* Page-fault error code: SDM volume 3, 4.7. */
#define PF_PRESENT 1
#define PF_WRITE 2
#define PF_FETCH 16

#define LINEAR_GUARD_END 0x200000000ul

/* offset 15..0, selector, IST, type, offset 31..16; offset 63..32: SDM volume 3, 6.14.1. */
struct idt_entry {
    uint64_t low, high;
};

static struct idt_entry idt[IDT_VECTORS];

extern uint8_t trap_stubs[][16], upcall_entry[], lapic_upcall_entry[], lapic_spurious_entry[];

struct descriptor_pointer {
    uint16_t limit;
    const void *base;
} __attribute__((packed));

/* Present interrupt gates: interrupts stay off in the handler. */
#define GATE ((uint64_t)SEL_CODE64 << 16 | 0x8eul << 40)

static inline void set_gate(uint32_t vector, const void *handler, uint64_t ist)
{
    uint64_t offset = (uint64_t)handler;

    idt[vector] = (struct idt_entry){GATE | ist << 32 | (offset & 0xffff) | (offset & 0xffff0000) << 32, offset >> 32};
}

/* The descriptors of start.S's GDT, and this vCPU's own TSS: ltr marks it busy, so each needs its own. */
static void load_segments(struct vcpu *self)
{
    struct descriptor_pointer gdt_pointer = {sizeof(self->gdt) - 1, self->gdt};
    uint64_t base = (uint64_t)&self->tss;
    const uint8_t *stacks = fault_stacks + self->id * IST_SLOTS * (PAGE_SIZE + FAULT_STACK_SIZE);

    for (int slot = 1; slot <= IST_SLOTS; slot++)
        self->tss.ist[slot - 1] = (uint64_t)stacks + slot * (PAGE_SIZE + FAULT_STACK_SIZE);
    self->tss.io_bitmap = sizeof(self->tss);
    self->gdt[SEL_CODE64 / 8] = 0x00af9b000000ffff;
    self->gdt[SEL_DATA / 8] = 0x00cf93000000ffff;
    self->gdt[SEL_TSS / 8] = 0x0000890000000067 | (base & 0xffffff) << 16 | (base >> 24 & 0xff) << 56;
    self->gdt[SEL_TSS / 8 + 1] = base >> 32;
    __asm__ volatile("lgdt %0; ltr %w1" : : "m"(gdt_pointer), "r"(SEL_TSS) : "memory");
}

void traps_init(struct vcpu *self)
{
    struct descriptor_pointer idt_pointer = {sizeof(idt) - 1, idt};

    self->self = self;
    load_segments(self);
    for (uint32_t vector = 0; vector < 32; vector++)
        set_gate(vector, trap_stubs[vector], IST_FAULT);
    set_gate(VECTOR_DF, trap_stubs[VECTOR_DF], IST_DOUBLE_FAULT);
    set_gate(VECTOR_NMI, trap_stubs[VECTOR_NMI], IST_NMI);
    /*
     * Upcalls run on the stack they find. On one of their own, guests hung under an emulated SVM on a busy host:
     * found at the handler's first instruction, interrupts off, for ever, as after a second injection there whose
     * frame takes the place of the first one's. On the stack they find, a second frame would go below the first.
     */
    set_gate(UPCALL_VECTOR, upcall_entry, IST_NONE);
    set_gate(LAPIC_UPCALL_VECTOR, lapic_upcall_entry, IST_NONE);
    set_gate(LAPIC_SPURIOUS_VECTOR, lapic_spurious_entry, IST_NONE);
    __asm__ volatile("lidt %0" : : "m"(idt_pointer));
}

/* In the order of wasm_rt_trap_t (runtime/wasm/lowered.h). */
static const char *const wasm_traps[] = {
    "unreachable",
    "out-of-bounds",
    "divide-by-zero",
    "integer-overflow",
    "invalid-conversion",
    "table-out-of-bounds",
    "indirect-call-null",
    "indirect-call-type",
    "out-of-memory",
};

static const char *page_fault_kind(uint64_t address, uint64_t error_code)
{
    if (error_code & PF_FETCH)
        return "execute-data";
    if (address < PAGE_SIZE && !linear_page_zero)
        return "null-dereference";
    if (address < LINEAR_GUARD_END)
        return "out-of-bounds";
    if (is_stack_guard(address))
        return "stack-overflow";
    if ((error_code & (PF_PRESENT | PF_WRITE)) == (PF_PRESENT | PF_WRITE))
        return "write-to-code";
    return NULL;
}

static const char *trap_kind(const struct trap_frame *frame, uint64_t address)
{
    switch (frame->vector) {
    case VECTOR_UD: {
        /* Only a fetch from our own text can have raised it, so the byte after `ud2` is readable. */
        uint8_t code = ((const uint8_t *)frame->rip)[2];
        return code < sizeof(wasm_traps) / sizeof(*wasm_traps) ? wasm_traps[code] : NULL;
    }
    case VECTOR_PF:
        return page_fault_kind(address, frame->error_code);
    case VECTOR_DF:
        return "double-fault";
    case VECTOR_NMI:
        return "nmi";
    default:
        return NULL;
    }
}

/* Called by trap_common with the registers of the moment. Returns if the instruction can be done now. */
void trap(const struct trap_frame *frame);

void trap(const struct trap_frame *frame)
{
    uint64_t address = read_cr2();
    uint32_t vcpu = this_vcpu()->id;
    const char *kind = trap_kind(frame, address);
    uint64_t rip = frame->rip;
    uint64_t rbp = frame->rbp;

    if (frame->vector == VECTOR_PF && !(frame->error_code & PF_PRESENT) && stack_extend(address))
        return;
    if (frame->vector == VECTOR_NMI && crash_waits)
        crash(kind, frame, rip, rbp);
    if (trap_caught)
        trap_caught(kind);

    /* A jump into data leaves nothing at %rip to name: the caller's return address is on the stack. */
    if (frame->vector == VECTOR_PF && (frame->error_code & PF_FETCH) && frame->rsp >= (uint64_t)stack_guard &&
        frame->rsp < (uint64_t)stack_end)
        rip = *(const uint64_t *)frame->rsp;

    record_begin("trap");
    record_text("kind=");
    if (kind) {
        record_text(kind);
    } else {
        record_text("exception-");
        record_decimal(frame->vector);
    }
    if (vcpu) {
        record_text(" vcpu=");
        record_decimal(vcpu);
    }
    if (frame->vector == VECTOR_PF) {
        record_text(" address=");
        record_hex(address);
        if (is_stack_guard(address) && !vcpu) {
            record_text(" stack=");
            record_decimal(STACK_SIZE);
        }
    }
    if (!kind) {
        record_text(" error=");
        record_hex(frame->error_code);
    }
    record_backtrace(rip, rbp);
    record_end();
    crash(kind, frame, rip, rbp);
}
