// Matrices as they lie in a GGUF file, vectors rounded to bytes, and the functions that multiply the two.
#ifndef SLM_MATRIX_H
#define SLM_MATRIX_H

#include "base.h"

enum { TYPE_F32 = 0, TYPE_F16 = 1, TYPE_Q4_0 = 2, TYPE_Q8_0 = 8 };
enum { BLOCK = 32, TILE = 16, LANES = 16 }; // weights that share a scale; positions read at once; running sums of a float dot product

u32 type_block(u32 type); // weights in one block, 0 for a type that is not read here
u32 type_bytes(u32 type); // bytes in one block
const char *type_name(u32 type);

typedef struct {
    const u8 *data; // [rows][cols] weights of `type`, row after row
    u32 rows, cols; // outputs, inputs; cols is a multiple of the block
    u32 type;       // TYPE_*
} matrix;

u64 row_bytes(const matrix *m);
bool matrix_sound(const matrix *m); // whether all scales are finite and below 64, so that no sum of products overflows
f32 half_to_f32(u16 half);
void matrix_row(f32 *y, const matrix *m, u32 row); // y[cols] = weights of one row

// What a matrix is multiplied with: up to TILE vectors. Before a Q8_0 or Q4_0 matrix sees them they are rounded, each block
// of 32 values to bytes of -127..127 times a scale of its own, largest magnitude over 127, as llama.cpp rounds them. The
// scales of a vector are kept as integers below 2^30 times a power of two that they share.
typedef struct {
    const f32 *x; // [n][cols]
    u32 n, cols;  // vectors, features
    bool rounded; // whether `block` holds them
    u8 *block;    // [TILE][cols/32] in whatever form the engine reads
    f32 unit[TILE]; // what one is worth in the sums of products
} vectors;

bool vectors_place(vectors *v, u32 cols, pool *p); // room for TILE vectors of this many values
void vectors_set(vectors *v, const f32 *x, u32 n, u32 cols);
void vectors_ready(vectors *v, const matrix *m);   // rounds them if `m` needs that and it has not been done

// y[n][stride] = products of rows first..last-1 of m with each vector; row r's goes to y[t*stride + r].
void multiply(f32 *y, u64 stride, const matrix *m, u32 first, u32 last, const vectors *v);

// The inner loops. Every engine gives the same bits. With Q8_0 and Q4_0 all sums are of integers, exact in any order: a block
// adds (dot product of bytes * fraction of its f16 scale * scale of the vector's block) >> (30 - exponent of the f16), and
// only the row's sum becomes a float. A dot product of floats has LANES running sums, element i going to sum i % LANES,
// halved to one at the end by adding the upper half to the lower. Needs -ffp-contract=off and no -ffast-math.
typedef void row_products(f32 *y, u64 stride, const matrix *m, u32 first, u32 last, const vectors *v);
typedef struct {
    const char *name;
    f32 (*round)(u8 *block, const f32 *x, u32 n_blocks); // one vector; returns its unit
    row_products *q8_0, *q4_0;
    f32 (*dot)(const f32 *a, const f32 *b, u32 n);
    f32 (*dot_f16)(const u16 *a, const f32 *b, u32 n);
    void (*scores)(f32 *y, const f32 *q, const f32 *k, u64 stride, u32 n, u32 dim, f32 scale); // y[i] = dot(q, k + i*stride) * scale
    void (*mix)(f32 *y, const f32 *share, const f32 *v, u64 stride, u32 n, u32 dim); // y[dim] = sum of share[i] * v[i*stride..], i rising
    void (*softmax)(f32 *x, u32 n);
    void (*swiglu)(f32 *gate, const f32 *up, u32 n); // gate = gate / (1 + exp(-gate)) * up
} engine;

// For engines. A block's scale and its inverse, both 0 where all is (nearly) 0; a NaN and 0 where anything is infinite or NaN.
void scale_of(f32 largest, f32 *scale, f32 *per_unit);
// Of a vector whose largest scale is this: the unit, and what makes a scale an integer below 2^30.
void unit_of(f32 largest_scale, f32 *unit, f32 *per_unit);

// Rounds one vector into blocks of an engine's own type, which has a `share`: `round_block` fills one and gives its scale,
// which lies where the share will be until the largest is known.
static inline f32 round_blocks(u8 *block, const f32 *x, u32 n_blocks, u64 size, u64 share_at, f32 (*round_block)(void *block, const f32 *x)) {
    f32 largest = 0, unit, per_unit;
    for (u32 b = 0; b < n_blocks; b++) {
        f32 scale = round_block(block + b * size, x + b * BLOCK);
        __builtin_memcpy(block + b * size + share_at, &scale, sizeof scale);
        largest = scale <= largest ? largest : scale; // a NaN stays
        if (largest != largest) break;
    }
    unit_of(largest, &unit, &per_unit);
    for (u32 b = 0; b < n_blocks; b++) {
        f32 scale;
        __builtin_memcpy(&scale, block + b * size + share_at, sizeof scale);
        i32 share = per_unit != 0 ? (i32)(scale * per_unit) : 0;
        __builtin_memcpy(block + b * size + share_at, &share, sizeof share);
    }
    return unit;
}
#define ROUND_BLOCKS(type, block, x, n_blocks, round_block) round_blocks(block, x, n_blocks, sizeof(type), __builtin_offsetof(type, share), round_block)

extern const engine portable;           // 64-bit integers, no SIMD: what an emulated processor runs fastest
extern const engine *slm_engine;        // &portable, unless a host sets another before it opens a model
enum { BLOCK_BYTES = 80 };              // of a rounded block, in any engine's form

// Runs job(work, part, parts) for each part; by default there is one. A host with threads may set another.
typedef void slm_job(void *work, u32 part, u32 parts);
extern void (*slm_parallel)(slm_job *job, void *work);

#endif
