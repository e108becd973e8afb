/*
 * Linear memory. An access is one instruction, and the page tables check it. Whether a load whose result is unused
 * may go is a choice of the build (src/host/build/link/toolchain.ts).
 *
 * https://webassembly.github.io/spec/core/exec/instructions.html#memory-instructions
 */
#ifndef XENLET_WASM_MEMORY_H
#define XENLET_WASM_MEMORY_H

/*
 * Linear memory, to the compiler: of any type, unaligned, and nothing of the C around it. An access that may be to
 * an object's header in AssemblyScript's heap (src/host/build/lower/emit/memory.ts finds them) is of a type of its own:
 * an object's length is not written through its elements.
 */
#define CELL __attribute__((packed, aligned(1)))
union cell {
    struct CELL { s8 value; } s8_;
    struct CELL { u8 value; } u8_;
    struct CELL { s16 value; } s16_;
    struct CELL { u16 value; } u16_;
    struct CELL { s32 value; } s32_;
    struct CELL { u32 value; } u32_;
    struct CELL { u64 value; } u64_;
    struct CELL { f32 value; } f32_;
    struct CELL { f64 value; } f64_;
    struct CELL { v128 value; } v128_;
};
union header {
    struct CELL { u32 value; } length;
};
typedef struct CELL { u32 value; } __attribute__((may_alias)) any_cell;

/* A 32-bit pointer and a 32-bit offset: below 8 GiB, where everything that is not memory faults. */
#define EFFECTIVE(address, offset) ((u64)(address) + (offset))
#define READ(address, offset, type) (((const union cell *)EFFECTIVE(address, offset))->type##_.value)
#define WRITE(address, offset, type, written) ((void)(((union cell *)EFFECTIVE(address, offset))->type##_.value = (written)))

#define i32_load(address, offset) READ(address, offset, u32)
#define i64_load(address, offset) READ(address, offset, u64)
#define f32_load(address, offset) READ(address, offset, f32)
#define f64_load(address, offset) READ(address, offset, f64)
#define i32_load8_s(address, offset) ((u32)(s32)READ(address, offset, s8))
#define i32_load8_u(address, offset) ((u32)READ(address, offset, u8))
#define i32_load16_s(address, offset) ((u32)(s32)READ(address, offset, s16))
#define i32_load16_u(address, offset) ((u32)READ(address, offset, u16))
#define i64_load8_s(address, offset) ((u64)(s64)READ(address, offset, s8))
#define i64_load8_u(address, offset) ((u64)READ(address, offset, u8))
#define i64_load16_s(address, offset) ((u64)(s64)READ(address, offset, s16))
#define i64_load16_u(address, offset) ((u64)READ(address, offset, u16))
#define i64_load32_s(address, offset) ((u64)(s64)READ(address, offset, s32))
#define i64_load32_u(address, offset) ((u64)READ(address, offset, u32))

#define i32_store(address, offset, value) WRITE(address, offset, u32, value)
#define i64_store(address, offset, value) WRITE(address, offset, u64, value)
#define f32_store(address, offset, value) WRITE(address, offset, f32, value)
#define f64_store(address, offset, value) WRITE(address, offset, f64, value)
#define i32_store8(address, offset, value) WRITE(address, offset, u8, value)
#define i32_store16(address, offset, value) WRITE(address, offset, u16, value)
#define i64_store8(address, offset, value) WRITE(address, offset, u8, value)
#define i64_store16(address, offset, value) WRITE(address, offset, u16, value)
#define i64_store32(address, offset, value) WRITE(address, offset, u32, value)

#define load_length(address, offset) (((const union header *)EFFECTIVE(address, offset))->length.value)
#define store_length(address, offset, written) ((void)(((any_cell *)EFFECTIVE(address, offset))->value = (written)))

/* runtime.c. The size is in pages of 64 KiB; growing returns the size before, or -1. */
extern u32 memory_pages;
u32 memory_grow(u32 pages, u32 most);
#define MEMORY_BYTES ((u64)memory_pages << 16)

/* Bulk operations check before they write a byte. */
OP(void) memory_fill(u32 to, u32 byte, u32 length)
{
    CHECK_RANGE(MEMORY_BYTES, to, length, OOB);
    memset((void *)(u64)to, byte, length);
}

OP(void) memory_copy(u32 to, u32 from, u32 length)
{
    CHECK_RANGE(MEMORY_BYTES, to, length, OOB);
    CHECK_RANGE(MEMORY_BYTES, from, length, OOB);
    memmove((void *)(u64)to, (const void *)(u64)from, length);
}

OP(void) memory_init(const u8 *segment, u32 segment_size, u32 to, u32 from, u32 length)
{
    CHECK_RANGE(segment_size, from, length, OOB);
    CHECK_RANGE(MEMORY_BYTES, to, length, OOB);
    memcpy((void *)(u64)to, segment + from, length);
}

#endif
