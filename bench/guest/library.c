/*
 * The twins of library.ts: the same work as one writes it in C, without checks, and with a malloc that keeps what is freed
 * by its size.
 */
#include "guest.h"

#define SMALLEST 16
#define CLASSES 20
#define ARENA_BYTES (4 << 20)

struct block {
    struct block *next; /* while it is free */
    uint64_t class;
};

static struct block *free_blocks[CLASSES];

static void *allocate(uint32_t bytes)
{
    static uint8_t arena[ARENA_BYTES] __attribute__((aligned(16)));
    static uint32_t used;
    uint32_t class = 0;
    struct block *block;

    while ((uint32_t)SMALLEST << class < bytes)
        class++;
    block = free_blocks[class];
    if (block)
        free_blocks[class] = block->next;
    else {
        block = (struct block *)(arena + used);
        used += sizeof(*block) + (SMALLEST << class);
        if (used > ARENA_BYTES)
            fatal("the twins' arena is too small");
    }
    block->class = class;
    return block + 1;
}

static void release(void *memory)
{
    struct block *block = (struct block *)memory - 1;

    block->next = free_blocks[block->class];
    free_blocks[block->class] = block;
}

/* A copy of twice the size. */
static void *doubled(void *memory, uint32_t bytes)
{
    void *larger = memcpy(allocate(2 * bytes), memory, bytes);

    release(memory);
    return larger;
}

static uint32_t state;

static uint32_t next_random(void)
{
    state = state * 1664525 + 1013904223;
    return state >> 8;
}

#define SIDE 40

static uint32_t matmul(void)
{
    double *a = allocate(SIDE * SIDE * 8), *b = allocate(SIDE * SIDE * 8), *c = allocate(SIDE * SIDE * 8);
    double total = 0;

    for (int i = 0; i < SIDE * SIDE; i++) {
        a[i] = i % 7 + 0.5;
        b[i] = i % 5 - 1.25;
    }
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            double sum = 0;

            for (int k = 0; k < SIDE; k++)
                sum += a[i * SIDE + k] * b[k * SIDE + j];
            c[i * SIDE + j] = sum;
        }
    for (int i = 0; i < SIDE * SIDE; i++)
        total += c[i];
    release(a);
    release(b);
    release(c);
    return (int32_t)total;
}

static uint32_t push(void)
{
    uint32_t length = 0, room = 8;
    double *values = allocate(room * 8), sum = 0;

    for (int i = 0; i < 10000; i++) {
        if (length == room) {
            values = doubled(values, room * 8);
            room *= 2;
        }
        values[length++] = i;
    }
    for (uint32_t i = 0; i < length; i++)
        sum += values[i];
    release(values);
    return sum;
}

/* By merging, with a callback for each comparison. */
static void sort_by(int32_t *values, int32_t *room, uint32_t count, int32_t (*compare)(int32_t, int32_t))
{
    uint32_t half = count / 2, a = 0, b = half;

    if (count < 2)
        return;
    sort_by(values, room, half, compare);
    sort_by(values + half, room, count - half, compare);
    for (uint32_t i = 0; i < count; i++)
        room[i] = b == count || (a < half && compare(values[a], values[b]) <= 0) ? values[a++] : values[b++];
    memcpy(values, room, count * 4);
}

static int32_t difference(int32_t a, int32_t b)
{
    return a - b;
}

static uint32_t sort(void)
{
    int32_t *values = allocate(4096 * 4), *room = allocate(4096 * 4);
    uint32_t sum = 0;

    for (int i = 0; i < 4096; i++)
        values[i] = next_random() & 0xffff;
    int32_t (*volatile compare)(int32_t, int32_t) = difference;
    sort_by(values, room, 4096, compare);
    for (int i = 0; i < 4096; i++)
        sum = sum * 31 + values[i];
    release(values);
    release(room);
    return sum;
}

/* UTF-16, as the guest's. Returns how many units. */
static uint32_t write_number(uint16_t *at, uint32_t number)
{
    uint16_t digits[10];
    uint32_t count = 0;

    do
        digits[count++] = '0' + number % 10;
    while (number /= 10);
    for (uint32_t i = 0; i < count; i++)
        at[i] = digits[count - 1 - i];
    return count;
}

static uint32_t join(void)
{
    uint32_t length = 0, room = 64, sum = 0;
    uint16_t *text = allocate(room * 2);

    for (int i = 0; i < 2000; i++) {
        if (length + 11 > room) {
            text = doubled(text, room * 2);
            room *= 2;
        }
        if (i)
            text[length++] = ',';
        length += write_number(text + length, i * 7919);
    }
    for (uint32_t i = 0; i < length; i++)
        sum = sum * 31 + text[i];
    release(text);
    return sum;
}

/* A hash table with open addressing, which doubles when it is three quarters full. */
struct slot {
    int32_t key, value;
    bool used;
};

static uint32_t slots;

static struct slot *find(struct slot *table, int32_t key)
{
    uint32_t at = (uint32_t)key * 2654435761u & (slots - 1);

    while (table[at].used && table[at].key != key)
        at = (at + 1) & (slots - 1);
    return &table[at];
}

static struct slot *new_table(void)
{
    return memset(allocate(slots * sizeof(struct slot)), 0, slots * sizeof(struct slot));
}

static uint32_t map(void)
{
    uint32_t size = 0, sum;

    slots = 8;
    struct slot *table = new_table();
    for (int i = 0; i < 4096; i++) {
        int32_t key = next_random() & 2047;
        struct slot *slot = find(table, key);

        if (!slot->used && 4 * ++size > 3 * slots) {
            struct slot *old = table;
            uint32_t count = slots;

            slots *= 2;
            table = new_table();
            for (uint32_t j = 0; j < count; j++)
                if (old[j].used)
                    *find(table, old[j].key) = old[j];
            release(old);
            slot = find(table, key);
        }
        slot->used = true;
        slot->key = key;
        slot->value++;
    }
    sum = size;
    for (int32_t key = 0; key < 2048; key++)
        sum = sum * 31 + find(table, key)->value;
    release(table);
    return sum;
}

struct tree {
    struct tree *left, *right;
    int32_t value;
};

static struct tree *grown(int32_t depth)
{
    struct tree *tree = allocate(sizeof(*tree));

    *tree = (struct tree){.value = depth};
    if (depth > 0) {
        tree->left = grown(depth - 1);
        tree->right = grown(depth - 1);
    }
    return tree;
}

static uint32_t sum_of(const struct tree *tree)
{
    return tree ? tree->value + sum_of(tree->left) * 3 + sum_of(tree->right) : 0;
}

static void felled(struct tree *tree)
{
    if (!tree)
        return;
    felled(tree->left);
    felled(tree->right);
    release(tree);
}

static uint32_t trees(void)
{
    uint32_t sum = 0;

    for (int i = 0; i < 4; i++) {
        struct tree *tree = grown(10);

        sum = sum * 31 + sum_of(tree);
        felled(tree);
    }
    return sum;
}

static uint64_t ticks;

uint32_t import_native_twin(uint32_t task)
{
    static uint32_t (*const all[])(void) = {matmul, push, sort, join, map, trees};
    uint64_t start;
    uint32_t result;

    state = 1;
    start = rdtsc();
    result = all[task]();
    ticks = rdtsc() - start;
    return result;
}

uint64_t import_native_twin_ticks(void)
{
    return ticks;
}
