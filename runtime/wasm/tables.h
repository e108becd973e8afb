/*
 * References and tables. A table is an array, with its size and the most elements that it may have in names that begin
 * with its own: `t0`, `t0_size`, `t0_most`. One that never changes is constant, and so is its size.
 *
 * https://webassembly.github.io/spec/core/exec/instructions.html#table-instructions
 */
#ifndef XENLET_WASM_TABLES_H
#define XENLET_WASM_TABLES_H

typedef struct {
    void (*code)(void);      /* NULL: a null reference */
    void (*tail_entry)(void); /* the same function, for a tail call: where the module makes such calls through tables */
    u32 type;                /* the number of its type in the module, from 1 on */
} funcref;
typedef void *externref;

/* A value of any type, by its letter (src/host/build/lower/emit/symbols.ts): what a tail call hands on. */
union tail_value {
    u32 i;
    u64 j;
    f32 f;
    f64 d;
#ifdef __SSE2__
    v128 v;
#endif
    funcref r;
    externref e;
};

#define NULL_FUNCREF ((funcref){0})
#define NULL_EXTERNREF ((externref)0)

/* Three things may be wrong with an indirect call, and each is a trap of its own. A null reference has no type. */
#define CHECK_CALLEE(table, at, wanted)                                                                                \
    do {                                                                                                               \
        if (UNLIKELY((at) >= table##_size))                                                                            \
            TRAP(TABLE_OOB);                                                                                           \
        if (UNLIKELY(table[at].type != (wanted))) {                                                                    \
            if (!table[at].code)                                                                                       \
                TRAP(INDIRECT_NULL);                                                                                   \
            TRAP(INDIRECT_TYPE);                                                                                       \
        }                                                                                                              \
    } while (0)
#define CALLEE(table, at, c_type, wanted)                                                                              \
    ({                                                                                                                 \
        u32 index_ = (at);                                                                                             \
                                                                                                                       \
        CHECK_CALLEE(table, index_, wanted);                                                                           \
        (c_type *)table[index_].code;                                                                                  \
    })
#define TAIL_CALLEE(table, at, wanted)                                                                                 \
    ({                                                                                                                 \
        u32 index_ = (at);                                                                                             \
                                                                                                                       \
        CHECK_CALLEE(table, index_, wanted);                                                                           \
        table[index_].tail_entry;                                                                                      \
    })

#define TABLE_GET(table, at)                                                                                           \
    ({                                                                                                                 \
        u32 index_ = (at);                                                                                             \
                                                                                                                       \
        CHECK_RANGE(table##_size, index_, 1, TABLE_OOB);                                                               \
        table[index_];                                                                                                 \
    })
#define TABLE_SET(table, at, value)                                                                                    \
    do {                                                                                                               \
        u32 index_ = (at);                                                                                             \
                                                                                                                       \
        CHECK_RANGE(table##_size, index_, 1, TABLE_OOB);                                                               \
        table[index_] = (value);                                                                                       \
    } while (0)
#define TABLE_FILL(table, at, value, count)                                                                            \
    do {                                                                                                               \
        u32 to_ = (at), count_ = (count);                                                                              \
        __typeof__(*table) value_ = (value);                                                                           \
                                                                                                                       \
        CHECK_RANGE(table##_size, to_, count_, TABLE_OOB);                                                             \
        for (u32 i_ = 0; i_ < count_; i_++)                                                                            \
            table[to_ + i_] = value_;                                                                                  \
    } while (0)
#define TABLE_COPY(to_table, from_table, to, from, count)                                                              \
    do {                                                                                                               \
        u32 to_ = (to), from_ = (from), count_ = (count);                                                              \
                                                                                                                       \
        CHECK_RANGE(to_table##_size, to_, count_, TABLE_OOB);                                                          \
        CHECK_RANGE(from_table##_size, from_, count_, TABLE_OOB);                                                      \
        memmove(&to_table[to_], &from_table[from_], count_ * sizeof(*to_table));                                       \
    } while (0)
#define TABLE_INIT(table, segment, to, from, count)                                                                    \
    do {                                                                                                               \
        u32 to_ = (to), from_ = (from), count_ = (count);                                                              \
                                                                                                                       \
        CHECK_RANGE(segment##_size, from_, count_, TABLE_OOB);                                                         \
        CHECK_RANGE(table##_size, to_, count_, TABLE_OOB);                                                             \
        for (u32 i_ = 0; i_ < count_; i_++)                                                                            \
            table[to_ + i_] = segment[from_ + i_];                                                                     \
    } while (0)

/* The size before, or -1. */
#define TABLE_GROW(table, value, count)                                                                                \
    ({                                                                                                                 \
        u32 old_ = table##_size, count_ = (count);                                                                     \
        __typeof__(*table) value_ = (value);                                                                           \
                                                                                                                       \
        if (count_ > table##_most - old_)                                                                              \
            old_ = -1;                                                                                                 \
        else {                                                                                                         \
            for (u32 i_ = 0; i_ < count_; i_++)                                                                        \
                table[old_ + i_] = value_;                                                                             \
            table##_size = old_ + count_;                                                                              \
        }                                                                                                              \
        old_;                                                                                                          \
    })

#endif
