/*
 * A secondary vCPU's program: a list of steps in the guest's linear memory, written by vCPU 0 before the order and read
 * by the vCPU that carries it out (vcpu-program.c). src/guest/xenlet/internal/sched/vcpu-program.ts has the same layout, by the same
 * names; Wasm pointers are 32-bit addresses.
 */
#ifndef XENLET_VCPU_PROGRAM_H
#define XENLET_VCPU_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

enum vcpu_step_kind {
    STEP_CALL,      /* hypercall `number` with `args` */
    STEP_SLEEP,     /* SCHEDOP_block or _poll `number` with args[0], interrupts on, unless an upcall came since STEP_TAKE */
    STEP_TAKE,      /* consumes every unmasked event of this vCPU; the answer is how many they were */
    STEP_RECEIVE,   /* sleeps until it has an event, and consumes every one; the answer is how many they were */
    STEP_PAUSE,     /* nothing but the delay */
    STEP_AWAIT,     /* spins until the word at args[0], of it the bits args[1], is args[2]; -ETIME after args[3] ticks */
    STEP_MEET,      /* waits at the struct vcpu_barrier at args[0] for the other vCPUs */
    STEP_WRITE_MSR, /* MSR `number` = args[0] */
    STEP_COPY,      /* copies the 32-bit word at args[0] to args[1]: from one call's answer into the next one's argument */
    STEP_STORE,     /* stores args[1] to the 64-bit word at args[0] */
};

/* How many different answers of a step are counted apart. */
#define STEP_ANSWERS 12

struct vcpu_answer {
    volatile int64_t value;
    volatile uint64_t count;
};

struct vcpu_step {
    uint16_t kind;          /* enum vcpu_step_kind */
    uint16_t ends;          /* whether a negative answer ends the program */
    uint32_t number;
    uint64_t args[5];
    uint64_t repeat;        /* times in a row, in each round */
    uint64_t delay, spread; /* ticks of the TSC before each time: `delay`, and something below `spread` more */
    uint64_t status;        /* address of an int16_t that is the answer where the call's own is 0; 0: none */
    /* Written by the vCPU. */
    volatile uint64_t done;   /* times it was carried out */
    volatile uint64_t met;    /* of those, during which the peer began a call */
    volatile uint64_t others; /* answers beyond the list's room */
    struct vcpu_answer answers[STEP_ANSWERS];
};

struct vcpu_barrier {
    uint32_t parties;
    volatile uint32_t arrived;
    volatile uint32_t generation;
    uint32_t pad;
};

struct vcpu_program {
    uint32_t count;         /* of steps */
    volatile uint32_t stop; /* it ends before the next step */
    uint64_t rounds;        /* how often the list is executed */
    uint32_t peer;          /* address of another program, whose calls are watched; 0: none */
    uint32_t barrier;       /* address of a struct vcpu_barrier to be met at first; 0: none */
    uint64_t seed;          /* of the delays; not 0 */
    uint64_t limit;         /* ticks of the TSC after which it ends by itself, between two rounds */
    /* Written by the vCPU. */
    volatile uint64_t calls;       /* hypercalls begun */
    volatile uint64_t rounds_done;
    volatile uint64_t turns;       /* of the loops that wait */
    struct vcpu_step steps[];
};

_Static_assert(sizeof(struct vcpu_step) == 104 + STEP_ANSWERS * 16, "vcpu-program.ts");
_Static_assert(offsetof(struct vcpu_step, answers) == 104, "vcpu-program.ts");
_Static_assert(offsetof(struct vcpu_program, steps) == 64, "vcpu-program.ts");

#endif
