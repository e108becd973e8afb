/*
 * The four functions that gcc calls by name even in freestanding code. `rep` strings are short, and on the
 * CPUs that Xen needs for HAP also fast for the sizes that Wasm's memory.copy and memory.fill ask for. By words,
 * since an emulated CPU takes as long for a byte.
 */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *to, const void *from, size_t size)
{
    void *start = to;
    size_t words = size / 8, rest = size % 8;

    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(rest) : : "memory");
    return start;
}

void *memmove(void *to, const void *from, size_t size)
{
    uint8_t *last_to = (uint8_t *)to + size - 1;
    const uint8_t *last_from = (const uint8_t *)from + size - 1;

    if ((uintptr_t)to - (uintptr_t)from >= size)
        return memcpy(to, from, size);
    /* They overlap, and `to` is above: backwards. */
    __asm__ volatile("std; rep movsb; cld" : "+D"(last_to), "+S"(last_from), "+c"(size) : : "memory", "cc");
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    void *start = to;
    uint64_t word = (uint8_t)byte * 0x0101010101010101ul;
    size_t words = size / 8, rest = size % 8;

    __asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(word) : "memory");
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(rest) : "a"(word) : "memory");
    return start;
}

int memcmp(const void *left, const void *right, size_t size)
{
    const uint8_t *a = left, *b = right;

    for (; size; size--, a++, b++)
        if (*a != *b)
            return *a - *b;
    return 0;
}
