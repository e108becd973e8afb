/*
 * Whether the CPU is one that the module was compiled for (--cpu): a guest that learns it from an invalid opcode somewhere
 * has no chance to say so.
 *
 * What the levels have: System V ABI, AMD64 supplement, "Micro-Architecture Levels". CPUID: Intel SDM, volume 2, CPUID.
 */
#include "module.h"

#include "boot.h"
#include "cpu.h"

#define FEATURES 1
#define EXTENDED_FEATURES 0x80000001

/* Bits of ECX. */
static const struct {
    uint32_t leaf, bit;
    const char *missing;
} x86_64_v2[] = {
#define NEEDS(leaf, bit, name) {leaf, bit, "the CPU has no " name ", and the image was built for x86-64-v2 (--cpu)"}
    NEEDS(FEATURES, 0, "SSE3"),
    NEEDS(FEATURES, 9, "SSSE3"),
    NEEDS(FEATURES, 13, "CMPXCHG16B"),
    NEEDS(FEATURES, 19, "SSE4.1"),
    NEEDS(FEATURES, 20, "SSE4.2"),
    NEEDS(FEATURES, 23, "POPCNT"),
    NEEDS(EXTENDED_FEATURES, 0, "LAHF in 64-bit mode"),
};

void check_x86_64_v2(void)
{
    for (uint32_t i = 0; i < sizeof(x86_64_v2) / sizeof(*x86_64_v2); i++)
        if (!(cpuid_ecx(x86_64_v2[i].leaf) & 1u << x86_64_v2[i].bit))
            fatal(x86_64_v2[i].missing);
}
