/*
 * The Wasm imports of module "xen", and "env.abort": what AssemblyScript cannot say itself. The names and
 * signatures are src/guest/xenlet/internal/intrinsics.ts's; in the lowered C each is import_<module>_<name>.
 *
 * Memory that Xen or another CPU writes is touched through these only. To Binaryen and to gcc an ordinary
 * access is theirs to merge, move or drop; an import is opaque to the one, and volatile to the other.
 */
#ifndef XENLET_INTRINSICS_H
#define XENLET_INTRINSICS_H

#include "boot.h"
#include "cpu.h"
#include "hypercall.h"
#include "lapic.h"

#define INTRINSIC(result, name, ...)                                                                                   \
    static inline __attribute__((always_inline, unused)) result import_xen_##name(__VA_ARGS__)

/* Hypercalls. Wasm's i64 are Xen's registers; an i32 pointer is zero-extended, which is its address. */
INTRINSIC(uint64_t, hypercall1, uint32_t op, uint64_t a1) { return hypercall1(op, a1); }
INTRINSIC(uint64_t, hypercall2, uint32_t op, uint64_t a1, uint64_t a2) { return hypercall2(op, a1, a2); }
INTRINSIC(uint64_t, hypercall3, uint32_t op, uint64_t a1, uint64_t a2, uint64_t a3) { return hypercall3(op, a1, a2, a3); }
INTRINSIC(uint64_t, hypercall4, uint32_t op, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4) { return hypercall4(op, a1, a2, a3, a4); }
INTRINSIC(uint64_t, hypercall5, uint32_t op, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5) { return hypercall5(op, a1, a2, a3, a4, a5); }

/* Shared memory: one access each, of that width, neither merged nor repeated. */
#define SHARED(address, type) ((volatile type *)(uintptr_t)(address))
INTRINSIC(uint32_t, load8, uint32_t address) { return *SHARED(address, uint8_t); }
INTRINSIC(uint32_t, load32, uint32_t address) { return *SHARED(address, uint32_t); }
INTRINSIC(uint64_t, load64, uint32_t address) { return *SHARED(address, uint64_t); }
INTRINSIC(void, store8, uint32_t address, uint32_t value) { *SHARED(address, uint8_t) = value; }
INTRINSIC(void, store32, uint32_t address, uint32_t value) { *SHARED(address, uint32_t) = value; }
INTRINSIC(void, store64, uint32_t address, uint64_t value) { *SHARED(address, uint64_t) = value; }
INTRINSIC(void, shared_copy, uint32_t to, uint32_t from, uint32_t size) { copy_bytes((void *)(uintptr_t)to, (const void *)(uintptr_t)from, size); }
INTRINSIC(void, shared_clear, uint32_t at, uint32_t size) { clear_bytes((void *)(uintptr_t)at, size); }
INTRINSIC(uint64_t, exchange64, uint32_t address, uint64_t value) { return __atomic_exchange_n(SHARED(address, uint64_t), value, __ATOMIC_SEQ_CST); }

/* The old value: equal to `expected` if the exchange was made. */
INTRINSIC(uint32_t, compare_exchange32, uint32_t address, uint32_t expected, uint32_t value)
{
    __atomic_compare_exchange_n(SHARED(address, uint32_t), &expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return expected;
}

/* Locked bit operations; each returns the bit's old value. */
#define BIT_OPERATION(insn)                                                                                            \
    uint8_t old;                                                                                                       \
                                                                                                           \
    __asm__ volatile("lock " insn " %2, %1; setc %0"                                                                   \
                     : "=q"(old), "+m"(*SHARED(address + (bit / 64) * 8, uint64_t))                                    \
                     : "r"((uint64_t)(bit % 64))                                                                       \
                     : "memory", "cc");                                                                                \
    return old
INTRINSIC(uint32_t, set_bit, uint32_t address, uint32_t bit) { BIT_OPERATION("btsq"); }
INTRINSIC(uint32_t, clear_bit, uint32_t address, uint32_t bit) { BIT_OPERATION("btrq"); }

/* Ordering: for the compiler, and for the CPU (x86 reorders only a store with a later load). */
INTRINSIC(void, barrier, void) { __asm__ volatile("" : : : "memory"); }
INTRINSIC(void, fence, void) { __asm__ volatile("mfence" : : : "memory"); }

/* The CPU. */
INTRINSIC(uint64_t, rdtsc, void) { return rdtsc(); }
INTRINSIC(void, interrupts_on, void) { __asm__ volatile("sti" : : : "memory"); }
INTRINSIC(void, interrupts_off, void) { __asm__ volatile("cli" : : : "memory"); }

/* Events: boot/traps.S. */
INTRINSIC(uint64_t, sleep_unless_upcall, uint32_t cmd, uint32_t arg) { say_stage(); return sleep_unless_upcall(cmd, arg); }
INTRINSIC(uint32_t, take_upcall, void)
{
    uint32_t seen = vcpus[0].upcall_seen;

    vcpus[0].upcall_seen = 0;
    return seen;
}
INTRINSIC(uint32_t, shared_info_place, void) { return shared_info_place(); }
INTRINSIC(void, set_shared_info, uint32_t address) { shared_info_set(address); }
INTRINSIC(void, set_vcpu_info, uint32_t address) { vcpus[0].vcpu_info = (volatile uint8_t *)(uintptr_t)address; }
INTRINSIC(uint32_t, upcall_vector, void) { return UPCALL_VECTOR; }
INTRINSIC(uint32_t, lapic_upcall_vector, void)
{
    stack_map_all();
    lapic_accept(LAPIC_SPURIOUS_VECTOR);
    lapic_has_upcalls = true;
    return LAPIC_UPCALL_VECTOR;
}

/* Frames: boot/memory.c. */
INTRINSIC(uint32_t, shared_alloc, uint32_t count) { return shared_alloc(count); }
INTRINSIC(uint32_t, shared_map, uint64_t gfn, uint32_t count) { return shared_map(gfn, count); }
INTRINSIC(uint64_t, frame_of, uint32_t address) { return frame_of(address); }
INTRINSIC(void, physical_read, uint32_t to, uint64_t paddr, uint32_t size) { physical_read((void *)(uintptr_t)to, paddr, size); }
INTRINSIC(void, physical_write, uint64_t paddr, uint32_t from, uint32_t size) { physical_write(paddr, (const void *)(uintptr_t)from, size); }
INTRINSIC(uint64_t, spare_begin, void) { return spare_begin(); }
INTRINSIC(uint64_t, spare_end, void) { return spare_end(); }
INTRINSIC(uint32_t, spare_set_end, uint64_t end) { return spare_set_end(end); }
INTRINSIC(void, record_pass_on, uint32_t from, uint32_t size) { record_pass_on((const char *)(uintptr_t)from, size); }
INTRINSIC(void, out_of_memory, void) { TRAP(OUT_OF_MEMORY); }

/* Secondary vCPUs: boot/vcpu.c. */
INTRINSIC(uint64_t, vcpu_start, uint32_t id, uint32_t how, uint32_t port) { return vcpu_start(id, how, port); }
INTRINSIC(void, vcpu_reset, uint32_t id) { vcpu_reset(id); }
INTRINSIC(uint32_t, vcpu_give, uint32_t id, uint32_t program) { return vcpu_give(id, program); }
INTRINSIC(uint32_t, vcpu_taken, uint32_t id) { return vcpu_taken(id); }
INTRINSIC(uint32_t, vcpu_done, uint32_t id) { return vcpus[id].mailbox.done == vcpus[id].mailbox.sequence; }
INTRINSIC(uint64_t, vcpu_result, uint32_t id) { return vcpus[id].mailbox.result; }
INTRINSIC(void, set_event_view, uint32_t at) { events_view((const struct event_view *)(uintptr_t)at); }

/* What the loader left: boot/start_info.c. */
INTRINSIC(uint32_t, boot_data, uint32_t what, uint32_t to, uint32_t size) { return boot_data_copy(what, (void *)(uintptr_t)to, size); }

/* Randomness: boot/random.c. */
INTRINSIC(void, random_bytes, uint32_t to, uint32_t size) { random_bytes((void *)(uintptr_t)to, size); }

/* Standard input, output and error: boot/input.c, boot/record.c. */
INTRINSIC(uint32_t, input_read, uint32_t to, uint32_t size) { return input_read((void *)(uintptr_t)to, size); }
INTRINSIC(void, output_write, uint32_t is_error, uint32_t from, uint32_t size) { record_output(is_error, (const uint8_t *)(uintptr_t)from, size); }

INTRINSIC(void, console_announce, void) { console_announce(); }
INTRINSIC(void, console_attach, void) { console_attach(); }
INTRINSIC(uint32_t, console_drained, void) { return console_drained(); }

/* The jump into another kernel: boot/kexec.c. */
INTRINSIC(uint32_t, kexec_room, void) { return kexec_room(); }
INTRINSIC(void, kexec_place, uint32_t page, uint32_t entry, uint32_t start_info, uint32_t copies, uint32_t count) { kexec_place(page, entry, start_info, (const struct kexec_copy *)(uintptr_t)copies, count); }
INTRINSIC(void, kexec_jump, uint32_t page, uint64_t sequence_digits) { kexec_jump(page, sequence_digits); }

/* A kernel in reserve: boot/crash.c. */
INTRINSIC(void, crash_reserve, uint32_t page, uint64_t info, uint64_t sequence_digits) { crash_reserve(page, info, sequence_digits); }

/* Records: boot/record.c. */
INTRINSIC(void, program_begins, void) { record_stage(STAGE_RUNTIME); }
INTRINSIC(void, run_begins, uint32_t nonce, uint32_t length) { record_begin_run((const char *)(uintptr_t)nonce, length); }
INTRINSIC(void, say_stage, void) { say_stage(); }
/* Kind and text are UTF-16, as AssemblyScript has them. */
void record_string(uint32_t kind, uint32_t kind_units, uint32_t text, uint32_t text_units);
INTRINSIC(void, record, uint32_t kind, uint32_t kind_units, uint32_t text, uint32_t text_units) { record_string(kind, kind_units, text, text_units); }

#endif
