/*
 * What a secondary vCPU does with its program. Each step is a few instructions around one hypercall: what two vCPUs do at
 * once shall meet inside Xen, and not here.
 */
#include "vcpu-program.h"
#include "boot.h"
#include "cpu.h"
#include "hypercall.h"

#define ETIME 62

/* Turns of a loop that waits for another vCPU before the physical CPU is offered: it may be the only one. */
#define SPINS 1000

static void relax(struct vcpu_program *program)
{
    __builtin_ia32_pause();
    if (++program->turns % SPINS == 0)
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
}

/* xorshift64: any sequence of delays will do, as long as it is repeatable. */
static uint64_t random_below(struct vcpu_program *program, uint64_t bound)
{
    uint64_t x = program->seed;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    program->seed = x;
    return x % bound;
}

static void delay(struct vcpu_program *program, const struct vcpu_step *step)
{
    uint64_t start = rdtsc(), ticks = step->delay;

    if (step->spread)
        ticks += random_below(program, step->spread);
    /* A program that is stopped does not wait for its longest pause. */
    for (; rdtsc() - start < ticks && !program->stop; program->turns++)
        __builtin_ia32_pause();
}

static void meet(struct vcpu_program *program, struct vcpu_barrier *barrier)
{
    uint32_t generation = barrier->generation;

    if (__atomic_add_fetch(&barrier->arrived, 1, __ATOMIC_SEQ_CST) == barrier->parties) {
        barrier->arrived = 0;
        __atomic_store_n(&barrier->generation, generation + 1, __ATOMIC_SEQ_CST);
        return;
    }
    while (barrier->generation == generation && !program->stop)
        relax(program);
}

static int64_t await(struct vcpu_program *program, const struct vcpu_step *step)
{
    volatile uint32_t *word = (volatile uint32_t *)step->args[0];
    uint64_t start = rdtsc();

    while ((*word & step->args[1]) != step->args[2]) {
        if (program->stop || rdtsc() - start > step->args[3])
            return -ETIME;
        relax(program);
    }
    return 0;
}

static int64_t call(const struct vcpu_step *step)
{
    const uint64_t *args = step->args;
    /* Xen looks at as many arguments as the hypercall has. */
    int64_t result = hypercall5(step->number, args[0], args[1], args[2], args[3], args[4]);

    return result == 0 && step->status ? *(volatile int16_t *)step->status : result;
}

static int64_t sleep(uint32_t cmd, uint64_t argument)
{
    int64_t result;

    __asm__ volatile("sti" : : : "memory");
    result = sleep_unless_upcall(cmd, argument);
    __asm__ volatile("cli" : : : "memory");
    return result;
}

/* An upcall may come for events that are consumed already: it is no reason to continue. */
static int64_t receive(struct vcpu *self, const struct vcpu_program *program)
{
    for (;;) {
        uint32_t taken = events_take(self);

        if (taken || program->stop)
            return taken;
        sleep(SCHEDOP_block, 0);
    }
}

static int64_t carry_out(struct vcpu *self, struct vcpu_program *program, struct vcpu_step *step)
{
    switch (step->kind) {
    case STEP_CALL:
        return call(step);
    case STEP_SLEEP:
        return sleep(step->number, step->args[0]);
    case STEP_TAKE:
        return events_take(self);
    case STEP_RECEIVE:
        return receive(self, program);
    case STEP_PAUSE:
        return 0;
    case STEP_AWAIT:
        return await(program, step);
    case STEP_MEET:
        meet(program, (struct vcpu_barrier *)step->args[0]);
        return 0;
    case STEP_WRITE_MSR:
        wrmsr(step->number, step->args[0]);
        return 0;
    case STEP_COPY:
        *(volatile uint32_t *)step->args[1] = *(volatile uint32_t *)step->args[0];
        return 0;
    case STEP_STORE:
        __atomic_store_n((volatile uint64_t *)step->args[0], step->args[1], __ATOMIC_SEQ_CST);
        return 0;
    default:
        return -1;
    }
}

static void count_answer(struct vcpu_step *step, int64_t value)
{
    for (uint32_t i = 0; i < STEP_ANSWERS; i++) {
        struct vcpu_answer *answer = &step->answers[i];

        if (answer->count && answer->value != value)
            continue;
        answer->value = value;
        answer->count++;
        return;
    }
    step->others++;
}

/* The value counts as told once `done` does. */
static int64_t run_step(struct vcpu *self, struct vcpu_program *program, struct vcpu_step *step)
{
    const struct vcpu_program *peer = (const struct vcpu_program *)(uint64_t)program->peer;
    bool enters_xen = step->kind == STEP_CALL || step->kind == STEP_SLEEP || step->kind == STEP_RECEIVE;
    uint64_t before = 0;
    int64_t result;

    delay(program, step);
    if (program->stop)
        return 0;
    if (enters_xen) {
        program->calls++;
        before = peer ? peer->calls : 0;
    }
    result = carry_out(self, program, step);
    if (enters_xen && peer && peer->calls != before)
        step->met++;
    count_answer(step, result);
    __atomic_store_n(&step->done, step->done + 1, __ATOMIC_RELEASE);
    return result;
}

int64_t vcpu_program_run(struct vcpu *self, struct vcpu_program *program)
{
    int64_t result = 0;
    uint64_t start;

    if (program->barrier)
        meet(program, (struct vcpu_barrier *)(uint64_t)program->barrier);
    start = rdtsc();
    for (uint64_t round = 0; round < program->rounds && !program->stop; round++, program->rounds_done++) {
        if (rdtsc() - start > program->limit)
            break;
        for (uint32_t i = 0; i < program->count; i++) {
            struct vcpu_step *step = &program->steps[i];

            for (uint64_t times = 0; times < step->repeat && !program->stop; times++) {
                result = run_step(self, program, step);
                if (step->ends && result < 0)
                    return result;
            }
        }
    }
    return result;
}
