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

// y[rows] = m x[cols]. Every product is exact or rounded once and sums run over eight lanes in one fixed order,
// so every compiler and machine gives the same bits (as long as -ffp-contract=off and no -ffast-math).
void matvec(f32 *y, matrix m, const f32 *x);

f32 dot(const f32 *a, const f32 *b, u32 n); // the same for two vectors

void matrix_row(f32 *y, matrix m, u32 row); // y[cols] = weights of one row

#endif
