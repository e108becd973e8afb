/*
 * The twins of kernels.ts: the same work on the same data, as one writes it in C. Compiled twice (bench/kernels.ts):
 * with CHECKED each index and each pointer is checked where AssemblyScript's semantics ask for it.
 */
#include "boot.h"
#include "hypercall.h"

#ifdef CHECKED
#define KERNELS kernels_checked
#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (__builtin_expect(!(condition), 0))                                                                         \
            check_failed(__LINE__);                                                                                    \
    } while (0)
#else
#define KERNELS kernels_bare
#define CHECK(condition) ((void)0)
#endif

#define WORDS 16384
#define NODES 4096
#define TASKS 64

/* kernels-glue.c */
_Noreturn void check_failed(uint32_t line);
void *twin_alloc(uint32_t bytes);
uint32_t KERNELS(uint32_t index);
void *memcpy(void *, const void *, size_t);
void *memset(void *, int, size_t);

/* Arrays that know their length, made at run time, as AssemblyScript's are. */
#define ARRAY(name, type)                                                                                              \
    struct name {                                                                                                      \
        int32_t length;                                                                                                \
        type at[] __attribute__((aligned(16)));                                                                        \
    };                                                                                                                 \
    static struct name *name##_new(int32_t length)                                                                     \
    {                                                                                                                  \
        struct name *array = twin_alloc(sizeof(*array) + length * sizeof(type));                                       \
                                                                                                                       \
        array->length = length;                                                                                        \
        return array;                                                                                                  \
    }

#define AT(array, index)                                                                                               \
    (*({                                                                                                               \
        uint32_t index_ = (index);                                                                                     \
                                                                                                                       \
        CHECK(index_ < (uint32_t)(array)->length);                                                                     \
        &(array)->at[index_];                                                                                          \
    }))

#define NOT_NULL(pointer)                                                                                              \
    ({                                                                                                                 \
        __typeof__(pointer) pointer_ = (pointer);                                                                      \
                                                                                                                       \
        CHECK(pointer_);                                                                                               \
        pointer_;                                                                                                      \
    })

struct node {
    struct node *next;
    uint32_t value;
};

struct task {
    bool runnable;
    int32_t credit, weight;
    uint32_t runs, wake_at;
};

ARRAY(u8s, uint8_t)
ARRAY(i32s, int32_t)
ARRAY(u32s, uint32_t)
ARRAY(u64s, uint64_t)
ARRAY(node_list, struct node *)
ARRAY(task_list, struct task *)

static struct u8s *bytes, *flags;
static struct i32s *numbers;
static struct u32s *table, *k;
static struct u64s *words, *copy;
static struct node_list *nodes;
static struct task_list *tasks;

static const uint32_t k_values[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static void set_up(void)
{
    uint32_t random = 1;

    bytes = u8s_new(65536);
    flags = u8s_new(100000);
    numbers = i32s_new(WORDS);
    words = u64s_new(WORDS);
    copy = u64s_new(WORDS);
    table = u32s_new(256);
    k = u32s_new(64);
    nodes = node_list_new(NODES);
    tasks = task_list_new(TASKS);
    memcpy(k->at, k_values, sizeof(k_values));
    for (int32_t i = 0; i < bytes->length; i++)
        bytes->at[i] = next_random(&random);
    for (int32_t i = 0; i < 256; i++) {
        table->at[i] = i;
        for (int bit = 0; bit < 8; bit++)
            table->at[i] = table->at[i] & 1 ? table->at[i] >> 1 ^ 0xedb88320 : table->at[i] >> 1;
    }
    for (int32_t i = 0; i < NODES; i++)
        nodes->at[i] = twin_alloc(sizeof(struct node));
    for (int32_t i = 0; i < NODES; i++) {
        nodes->at[i * 1237 & (NODES - 1)]->next = nodes->at[(i + 1) * 1237 & (NODES - 1)];
        nodes->at[i]->value = next_random(&random);
    }
    for (int32_t i = 0; i < TASKS; i++) {
        tasks->at[i] = twin_alloc(sizeof(struct task));
        tasks->at[i]->weight = 20 + (next_random(&random) & 63);
    }
}

static uint32_t rotr(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static void sha256_block(struct u32s *state, struct u32s *w, const struct u8s *data, int32_t at)
{
    uint32_t a, b, c, d, e, f, g, h;

    for (int32_t i = 0; i < 16; i++) {
        int32_t j = at + i * 4;

        AT(w, i) = (uint32_t)AT(data, j) << 24 | AT(data, j + 1) << 16 | AT(data, j + 2) << 8 | AT(data, j + 3);
    }
    for (int32_t i = 16; i < 64; i++) {
        uint32_t x = AT(w, i - 15), y = AT(w, i - 2);
        uint32_t s0 = rotr(x, 7) ^ rotr(x, 18) ^ x >> 3, s1 = rotr(y, 17) ^ rotr(y, 19) ^ y >> 10;

        AT(w, i) = AT(w, i - 16) + s0 + AT(w, i - 7) + s1;
    }
    a = AT(state, 0);
    b = AT(state, 1);
    c = AT(state, 2);
    d = AT(state, 3);
    e = AT(state, 4);
    f = AT(state, 5);
    g = AT(state, 6);
    h = AT(state, 7);
    for (int32_t i = 0; i < 64; i++) {
        uint32_t s1 = rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25);
        uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + AT(k, i) + AT(w, i);
        uint32_t s0 = rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22);
        uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));

        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    AT(state, 0) += a;
    AT(state, 1) += b;
    AT(state, 2) += c;
    AT(state, 3) += d;
    AT(state, 4) += e;
    AT(state, 5) += f;
    AT(state, 6) += g;
    AT(state, 7) += h;
}

static uint32_t sha256(void)
{
    static const uint32_t begin[8] = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    };
    static struct u32s *state, *w;

    if (!state) {
        state = u32s_new(8);
        w = u32s_new(64);
    }
    memcpy(state->at, begin, sizeof(begin));
    for (int32_t at = 0; at < bytes->length; at += 64)
        sha256_block(state, w, bytes, at);
    return state->at[0] ^ state->at[7];
}

static uint32_t crc32(void)
{
    const struct u8s *data = bytes;
    const struct u32s *entries = table;
    uint32_t crc = ~0u;

    for (int round = 0; round < 8; round++)
        for (int32_t i = 0; i < data->length; i++)
            crc = crc >> 8 ^ AT(entries, (uint8_t)(crc ^ AT(data, i)));
    return ~crc;
}

static uint32_t sieve(void)
{
    struct u8s *composite = flags;
    int32_t size = composite->length;
    uint32_t primes = 0;

    for (int round = 0; round < 4; round++) {
        for (int32_t i = 0; i < size; i++)
            AT(composite, i) = 0;
        for (int32_t i = 2; i < size; i++) {
            if (AT(composite, i))
                continue;
            primes++;
            for (int32_t multiple = i * 2; multiple < size; multiple += i)
                AT(composite, multiple) = 1;
        }
    }
    return primes;
}

static void sort(struct i32s *a, int32_t low, int32_t high)
{
    while (low < high) {
        int32_t pivot = AT(a, (low + high) >> 1), i = low, j = high;

        while (i <= j) {
            while (AT(a, i) < pivot)
                i++;
            while (AT(a, j) > pivot)
                j--;
            if (i <= j) {
                int32_t t = AT(a, i);

                AT(a, i++) = AT(a, j);
                AT(a, j--) = t;
            }
        }
        sort(a, low, j);
        low = i;
    }
}

static uint32_t quicksort(void)
{
    uint32_t random = 1;

    for (int32_t i = 0; i < WORDS; i++)
        AT(numbers, i) = next_random(&random);
    sort(numbers, 0, WORDS - 1);
    return AT(numbers, 0) ^ AT(numbers, WORDS / 3) ^ AT(numbers, WORDS - 1);
}

static uint32_t pointer_chase(void)
{
    uint32_t sum = 0;
    const struct node *node = NOT_NULL(AT(nodes, 0));

    for (int32_t i = 0; i < NODES * 200; i++) {
        sum = sum * 3 + node->value;
        node = NOT_NULL(node->next);
    }
    return sum;
}

static uint32_t memory_mix(void)
{
    struct u64s *from = words, *to = copy;
    uint64_t sum = 0;

    for (int32_t i = 0; i < WORDS; i++)
        AT(from, i) = (uint64_t)i * 0x9e3779b97f4a7c15;
    for (int round = 0; round < 8; round++) {
        memcpy(to->at, from->at, WORDS * 8);
        for (int32_t i = 0; i < WORDS; i++)
            AT(from, i) = AT(to, i) + (AT(to, WORDS - 1 - i) >> 7);
        for (int32_t i = 0; i < WORDS; i++)
            sum += AT(from, i);
        memset(to->at, round, WORDS * 4);
        for (int32_t i = 0; i < WORDS; i += 3)
            sum ^= AT(to, i);
    }
    return sum ^ sum >> 32;
}

static void run_task(struct task *task, uint32_t now)
{
    task->runs++;
    task->credit -= 10;
    if (task->credit < 0) {
        task->runnable = false;
        task->wake_at = now + 3 + (task->runs & 7);
    }
}

static void tick_task(struct task *task, uint32_t now)
{
    if (!task->runnable && now >= task->wake_at) {
        task->runnable = true;
        task->credit += task->weight;
    }
}

static uint32_t scheduler(void)
{
    struct task_list *all = tasks;
    uint32_t idle = 0, sum;

    for (int32_t i = 0; i < TASKS; i++) {
        struct task *task = NOT_NULL(AT(all, i));

        task->runnable = true;
        task->credit = 0;
        task->runs = 0;
        task->wake_at = 0;
    }
    for (uint32_t now = 0; now < 10000; now++) {
        struct task *best = NULL;

        for (int32_t i = 0; i < TASKS; i++) {
            struct task *task = NOT_NULL(AT(all, i));

            tick_task(task, now);
            if (task->runnable && (!best || task->credit > best->credit))
                best = task;
        }
        if (best)
            run_task(best, now);
        else
            idle++;
    }
    sum = idle;
    for (int32_t i = 0; i < TASKS; i++)
        sum = sum * 31 + NOT_NULL(AT(all, i))->runs;
    return sum;
}

static uint32_t hypercalls(void)
{
    uint32_t failures = 0;

    for (int i = 0; i < 2000; i++)
        failures += hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0) != 0;
    return failures;
}

uint32_t KERNELS(uint32_t index)
{
    static uint32_t (*const all[])(void) = {
        sha256, crc32, sieve, quicksort, pointer_chase, memory_mix, scheduler, hypercalls,
    };

    if (!bytes)
        set_up();
    return all[index]();
}
