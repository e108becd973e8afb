/*
 * Hypercalls, inlined: number in %rax, arguments in %rdi, %rsi, %rdx, %r10, %r8, result in %rax
 * (docs/guest-guide/x86/hypercall-abi, 64-bit). Debug builds of Xen clobber the arguments they were
 * given, so each is an output as well; all other registers are kept.
 */
#ifndef XENLET_HYPERCALL_H
#define XENLET_HYPERCALL_H

#include <stdint.h>

#ifdef XENLET_HYPERCALL_DIRECT
#define HYPERCALL(result, op, ...)                                                                                     \
    do {                                                                                                               \
        result = (int64_t)(op);                                                                                        \
        __asm__ volatile("call hypercall_direct" : "+a"(result), __VA_ARGS__ : : "memory", "cc");                      \
    } while (0)
#else
extern uint8_t hypercall_page[];
/* A number known at compile time becomes a direct call into the page. */
#define HYPERCALL(result, op, ...)                                                                                     \
    do {                                                                                                               \
        if (__builtin_constant_p(op))                                                                                  \
            __asm__ volatile("call hypercall_page + %c[at]"                                                            \
                             : "=a"(result), __VA_ARGS__                                                               \
                             : [at] "i"((op) * 32)                                                                     \
                             : "memory", "cc");                                                                        \
        else                                                                                                           \
            __asm__ volatile("call *%[entry]"                                                                          \
                             : "=a"(result), __VA_ARGS__                                                               \
                             : [entry] "r"(hypercall_page + (uint64_t)(op) * 32)                                       \
                             : "memory", "cc");                                                                        \
    } while (0)
#endif

#define HYPERCALL_INLINE static inline __attribute__((always_inline)) int64_t

HYPERCALL_INLINE hypercall1(uint32_t op, uint64_t a1)
{
    int64_t result;
    HYPERCALL(result, op, "+D"(a1));
    return result;
}

HYPERCALL_INLINE hypercall2(uint32_t op, uint64_t a1, uint64_t a2)
{
    int64_t result;
    HYPERCALL(result, op, "+D"(a1), "+S"(a2));
    return result;
}

HYPERCALL_INLINE hypercall3(uint32_t op, uint64_t a1, uint64_t a2, uint64_t a3)
{
    int64_t result;
    HYPERCALL(result, op, "+D"(a1), "+S"(a2), "+d"(a3));
    return result;
}

HYPERCALL_INLINE hypercall4(uint32_t op, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4)
{
    int64_t result;
    register uint64_t r10 __asm__("r10") = a4;
    HYPERCALL(result, op, "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10));
    return result;
}

HYPERCALL_INLINE hypercall5(uint32_t op, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5)
{
    int64_t result;
    register uint64_t r10 __asm__("r10") = a4;
    register uint64_t r8 __asm__("r8") = a5;
    HYPERCALL(result, op, "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8));
    return result;
}

#endif
