// Engines for the processor that the program runs on. Each gives the bits that `portable` gives.
#ifndef SLM_SIMD_H
#define SLM_SIMD_H

#include "../runtime/matrix.h"

// Those that this processor can run, the fastest first, `portable` last. Returns how many.
enum { ENGINES_MAX = 4 };
u32 find_engines(const engine *found[ENGINES_MAX]);

// A rounded block as SIMD reads it.
typedef struct {
    i8 number[BLOCK];
    i32 share; // scale of the block over that of the vector
    i32 sum;   // of the numbers
} simd_block;

static inline const simd_block *blocks_of(const vectors *v, u32 t) {
    return (const simd_block *)(const void *)(v->block + (u64)t * (v->cols / BLOCK) * BLOCK_BYTES);
}

_Static_assert(sizeof(simd_block) <= BLOCK_BYTES, "the pool counts on it");

#endif
