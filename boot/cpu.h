/*
 * The x86 instructions that C has no words for.
 */
#ifndef XENLET_CPU_H
#define XENLET_CPU_H

#include <stdint.h>

static inline void wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static inline uint64_t rdtsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static inline uint32_t cpuid_ecx(uint32_t leaf)
{
    uint32_t ecx = 0;
    __asm__ volatile("cpuid" : "+a"(leaf), "+c"(ecx) : : "ebx", "edx");
    return ecx;
}

static inline uint64_t read_cr2(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}

static inline void invlpg(uint64_t address)
{
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

static inline void reload_cr3(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr3, %0; mov %0, %%cr3" : "=r"(value) : : "memory");
}

/* String instructions: opaque to the compiler, any alignment. By words, since an emulated CPU takes as long for a byte. */
static inline void copy_bytes(void *to, const void *from, uint64_t count)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}

static inline void clear_bytes(void *at, uint64_t count)
{
    uint64_t words = count / 8, rest = count % 8;

    __asm__ volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(0) : "memory");
    __asm__ volatile("rep stosb" : "+D"(at), "+c"(rest) : "a"(0) : "memory");
}

/* One exit to the hypervisor for the whole string where a byte at a time would cost one each. */
static inline void outsb(uint16_t port, const void *from, uint64_t count)
{
    __asm__ volatile("rep outsb" : "+S"(from), "+c"(count) : "d"(port) : "memory");
}

static inline _Noreturn void halt_for_ever(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

#endif
