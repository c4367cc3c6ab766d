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

// Rounds one vector: `round_block` gives a block's scale, which becomes a share once the largest is known.
static inline f32 round_blocks(u8 *block, const f32 *x, u32 n_blocks, f32 (*round_block)(simd_block *o, const f32 *x)) {
    simd_block *o = (simd_block *)(void *)block;
    f32 largest = 0, unit, per_unit;
    for (u32 b = 0; b < n_blocks; b++) {
        f32 scale = round_block(o + b, x + b * BLOCK);
        __builtin_memcpy(&o[b].share, &scale, sizeof scale);
        largest = scale <= largest ? largest : scale; // a NaN stays
        if (largest != largest) break;
    }
    unit_of(largest, &unit, &per_unit);
    for (u32 b = 0; b < n_blocks; b++) {
        f32 scale;
        __builtin_memcpy(&scale, &o[b].share, sizeof scale);
        o[b].share = per_unit != 0 ? (i32)(scale * per_unit) : 0;
    }
    return unit;
}

_Static_assert(sizeof(simd_block) <= BLOCK_BYTES, "the pool counts on it");

#endif
