/*
 * Random bytes, from the 32 that this run was given: ChaCha20's key stream (RFC 8439, 2.3), whose first 32 bytes of each
 * request become the next key ("fast key erasure", D. J. Bernstein, 2017), so that nothing that was given out can be found
 * again in memory. Where an image was given none, its key is the processor's random numbers, if it has such, and time
 * stamps: enough for a hash table, not for a secret.
 */
#include "boot.h"
#include "cpu.h"
#include "run_block.h"

#define KEY_WORDS 8
#define BLOCK_WORDS 16
#define ROUNDS 20

#define CPUID_1_ECX_RDRAND (1u << 30)

/* "expand 32-byte k" */
static const uint32_t constants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

static uint32_t key[KEY_WORDS];
static bool keyed;

static uint32_t rotated(uint32_t word, int by)
{
    return word << by | word >> (32 - by);
}

static void quarter_round(uint32_t *x, int a, int b, int c, int d)
{
    x[a] += x[b], x[d] = rotated(x[d] ^ x[a], 16);
    x[c] += x[d], x[b] = rotated(x[b] ^ x[c], 12);
    x[a] += x[b], x[d] = rotated(x[d] ^ x[a], 8);
    x[c] += x[d], x[b] = rotated(x[b] ^ x[c], 7);
}

/* The block of the key stream with that number; the nonce is 0, since no key is used for two requests. */
static void block(uint32_t number, uint32_t *out)
{
    uint32_t start[BLOCK_WORDS] = {0};

    for (int i = 0; i < 4; i++)
        start[i] = constants[i];
    for (int i = 0; i < KEY_WORDS; i++)
        start[4 + i] = key[i];
    start[12] = number;
    for (int i = 0; i < BLOCK_WORDS; i++)
        out[i] = start[i];
    for (int i = 0; i < ROUNDS / 2; i++) {
        for (int column = 0; column < 4; column++)
            quarter_round(out, column, column + 4, column + 8, column + 12);
        for (int column = 0; column < 4; column++)
            quarter_round(out, column, (column + 1) % 4 + 4, (column + 2) % 4 + 8, (column + 3) % 4 + 12);
    }
    for (int i = 0; i < BLOCK_WORDS; i++)
        out[i] += start[i];
}

static bool has_rdrand(void)
{
    uint32_t eax = 1, ebx, ecx = 0, edx;

    __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    return ecx & CPUID_1_ECX_RDRAND;
}

static void make_key(void)
{
    bool rdrand = has_rdrand();

    for (int i = 0; i < KEY_WORDS; i++) {
        uint64_t word = 0;

        /* It may fail for a moment (Intel's manual: ten tries). */
        for (int tries = 0; rdrand && tries < 10; tries++) {
            uint8_t good;

            __asm__ volatile("rdrand %0; setc %1" : "=r"(word), "=q"(good) : : "cc");
            if (good)
                break;
        }
        key[i] = word ^ rdtsc();
    }
}

void random_bytes(void *to, uint32_t size)
{
    uint32_t next[KEY_WORDS], stream[BLOCK_WORDS], skipped = sizeof(next);
    uint8_t *out = to;

    if (!keyed) {
        if (run_block && run_block->flags & RUN_RANDOM)
            __builtin_memcpy(key, run_block->random, sizeof(key));
        else
            make_key();
        keyed = true;
    }
    block(0, stream);
    __builtin_memcpy(next, stream, sizeof(next));
    for (uint32_t number = 1; size; number++) {
        uint32_t some = sizeof(stream) - skipped;

        if (some > size)
            some = size;
        __builtin_memcpy(out, (uint8_t *)stream + skipped, some);
        out += some;
        size -= some;
        skipped = 0;
        if (size)
            block(number, stream);
    }
    __builtin_memcpy(key, next, sizeof(key));
    clear_bytes(stream, sizeof(stream));
    clear_bytes(next, sizeof(next));
}
