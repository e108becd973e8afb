/*
 * One step a line, from long mode to the guest's own code. The order matters: a fault in a step is
 * reported by what the steps before it set up.
 */
#include "boot.h"
#include "cpu.h"
#include "hypercall.h"
#include "run_block.h"

/* runtime/wasm/runtime.c and module.c: the lowered module. */
uint32_t wasm_initial_bytes(void);
_Noreturn void wasm_main(void);

struct vcpu vcpus[MAX_VCPUS];

_Noreturn void boot_main(void);

/* For an image without a run block they stand in front of the user's own words. */
static const char *harness_value(const char *key, uint32_t *length)
{
    const char *value = cmdline_value(key, length);

    return value && value < user_words() ? value : NULL;
}

static void record_words(void)
{
    uint32_t length;
    const char *nonce = harness_value("nonce", &length), *sequence;

    if (!nonce)
        return;
    record_set_nonce(nonce, length);
    sequence = harness_value("seq", &length);
    if (sequence)
        record_set_sequence(sequence, length);
}

_Noreturn void boot_main(void)
{
    traps_init(&vcpus[0]); /* from here on a fault is a record */
    run_block_init();      /* what this run is given */
    if (run_block)
        record_set_run(run_block);
    hypercall_init();      /* Xen, found by CPUID */
    start_info_init();     /* what the loader left, checked and kept */
    if (is_hardware_domain())
        record_set_consoleio();
    if (!run_block || !run_block->nonce[0])
        record_words();
    record_stage(STAGE_ENTERED);
    linear_init(wasm_initial_bytes()); /* linear memory at 0, guards */
    wasm_main();                       /* the guest */
}

_Noreturn void shutdown(uint32_t reason)
{
    struct sched_shutdown argument = {.reason = reason};

    /* Without Xen it would be another fault, and that another record, without end. */
    if (hypercalls_ready)
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (uint64_t)&argument);
    /* It returns if the toolstack resumed a domain that is past saying anything. */
    halt_for_ever();
}

void (*crash_hook)(const char *kind, const struct trap_frame *frame, uint64_t rip, uint64_t rbp);
volatile bool crash_waits;
struct crash_state crash_state;

_Noreturn void crash(const char *kind, const struct trap_frame *frame, uint64_t rip, uint64_t rbp)
{
    if (!crash_state.rip) {
        const uint64_t *own = __builtin_frame_address(0);

        /* The frame that returns to rip is a callee's. After an exception the chain may be broken, and the frame has rsp. */
        while (!frame && own[1] != rip && own[0] > (uint64_t)own)
            own = (const uint64_t *)own[0];
        crash_state = (struct crash_state){rip, rbp, (uint64_t)frame, (uint64_t)(own + 2), this_vcpu()->id};
    }
    if (crash_hook)
        crash_hook(kind, frame, rip, rbp);
    shutdown(SHUTDOWN_crash);
}

_Noreturn void fatal(const char *sentence)
{
    const uint64_t *frame = __builtin_frame_address(0);

    record_begin("fatal");
    record_text(sentence);
    record_end();
    crash("fatal", NULL, frame[1], frame[0]);
}

/*
 * Frame pointers are kept everywhere (-fno-omit-frame-pointer), so each frame is {caller's %rbp, return
 * address}. Bounded, and only within the stack: a broken chain must not fault here. A recursion's return
 * address is said once, and how often it follows itself: `0x…*75`.
 */
void record_backtrace(uint64_t rip, uint64_t rbp)
{
    uint64_t last = 0, times = 0;

    record_text(" rip=");
    record_hex(rip);
    record_text(" frames=");
    for (int listed = 0;;) {
        const uint64_t *frame = (const uint64_t *)rbp;
        bool end = rbp < (uint64_t)stack_guard + PAGE_SIZE || rbp > (uint64_t)stack_end - 16 || rbp % 8;

        if (times && (end || frame[1] != last)) {
            record_hex(last);
            if (times > 1) {
                record_char('*');
                record_decimal(times);
            }
            times = 0;
            end = end || ++listed == 24;
            if (!end)
                record_char(',');
        }
        if (end)
            break;
        last = frame[1];
        times++;
        /* The outermost frame has no caller: the next turn ends. */
        rbp = frame[0] > rbp ? frame[0] : 0;
    }
}
