// Matrices as they lie in a GGUF file, and the one function that multiplies them.
#ifndef SLM_MATRIX_H
#define SLM_MATRIX_H

#include "base.h"

enum { TYPE_F32 = 0, TYPE_F16 = 1, TYPE_Q4_0 = 2, TYPE_Q8_0 = 8 };

u32 type_block(u32 type); // weights in one block, 0 for a type that is not read here
u32 type_bytes(u32 type); // bytes in one block
const char *type_name(u32 type);

typedef struct {
    const u8 *data; // [rows][cols] weights of `type`, row after row
    u32 rows, cols; // outputs, inputs; cols is a multiple of the block
    u32 type;       // TYPE_*
} matrix;

f32 half_to_f32(u16 half);

// A vector cut into blocks of 32, each as integers that share one power of two, which is called its unit. With 30 bits to
// the integers this loses less than f32 arithmetic does, and sums of integers come out the same in any order, on any machine.
typedef struct {
    i32 *number; // [cols] value / unit, below 2^30 in size
    f64 *unit;   // [cols/32]
    i64 *sum;    // [cols/32] of the numbers
} fixed_vector;

bool fixed_place(fixed_vector *v, u32 cols, pool *p); // cols is rounded up to whole blocks
void fixed_fill(fixed_vector *v, const f32 *x, u32 cols);

// y[rows] = m x[cols]; v is scratch for cols values. Q8_0 and Q4_0 go by integers; F32 and F16 by eight running sums in
// fixed order. Every compiler and machine gives the same bits, as long as -ffp-contract=off and no -ffast-math.
void matvec(f32 *y, matrix m, const f32 *x, fixed_vector *v);

f32 dot(const f32 *a, const f32 *b, u32 n); // by eight running sums

void matrix_row(f32 *y, matrix m, u32 row); // y[cols] = weights of one row

#endif
