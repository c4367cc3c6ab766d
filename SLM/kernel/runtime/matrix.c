#include "matrix.h"

u32 type_block(u32 type) { return type == TYPE_F32 || type == TYPE_F16 ? 1 : type == TYPE_Q4_0 || type == TYPE_Q8_0 ? 32 : 0; }
u32 type_bytes(u32 type) { return type == TYPE_F32 ? 4 : type == TYPE_F16 ? 2 : type == TYPE_Q4_0 ? 18 : type == TYPE_Q8_0 ? 34 : 0; }
const char *type_name(u32 type) { return type == TYPE_F32 ? "F32" : type == TYPE_F16 ? "F16" : type == TYPE_Q4_0 ? "Q4_0" : type == TYPE_Q8_0 ? "Q8_0" : "?"; }

f32 half_to_f32(u16 half) {
    u32 sign = (u32)(half >> 15) << 31, exponent = half >> 10 & 31, fraction = half & 1023;
    union {
        u32 bits;
        f32 value;
    } f;
    if (exponent == 31) f.bits = sign | 0x7f800000u | fraction << 13;
    else if (exponent) f.bits = sign | (exponent + 112) << 23 | fraction << 13;
    else f.value = (f32)fraction * 0x1p-24f, f.bits |= sign;
    return f.value;
}

static f32 half_at(const u8 *at) { return half_to_f32((u16)(at[0] | at[1] << 8)); }

// Rows of F32 lie on 4-byte boundaries: gguf_open checks the file's, llama_open the tensor's.
static const f32 *f32_at(const u8 *at) { return (const f32 *)(const void *)at; }

enum { LANES = 8, BLOCK = 32 };

// ---- dot products by LANES running sums ----
// They are added up pairwise at the end. Eight hide the latency of an addition and suit any SIMD width up to eight.
#define EACH_LANE for (u32 j = 0; j < LANES; j++)

static f32 add_lanes(const f32 s[LANES]) { return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7])); }

f32 dot(const f32 *a, const f32 *b, u32 n) {
    f32 sum[LANES] = {0};
    u32 i = 0;
    for (; i + LANES <= n; i += LANES) EACH_LANE sum[j] += a[i + j] * b[i + j];
    for (u32 j = 0; i + j < n; j++) sum[j] += a[i + j] * b[i + j];
    return add_lanes(sum);
}

static f32 dot_f16(const u8 *row, const f32 *x, u32 cols) {
    f32 sum[LANES] = {0};
    u32 i = 0;
    for (; i + LANES <= cols; i += LANES) EACH_LANE sum[j] += half_at(row + 2 * (i + j)) * x[i + j];
    for (u32 j = 0; i + j < cols; j++) sum[j] += half_at(row + 2 * (i + j)) * x[i + j];
    return add_lanes(sum);
}

// ---- vectors as integers ----

bool fixed_place(fixed_vector *v, u32 cols, pool *p) {
    u32 blocks = (cols + BLOCK - 1) / BLOCK;
    v->number = pool_take(p, (u64)blocks * BLOCK, sizeof *v->number);
    v->unit = pool_take(p, blocks, sizeof *v->unit);
    v->sum = pool_take(p, blocks, sizeof *v->sum);
    return v->number && v->unit && v->sum;
}

static u32 bits_of(f32 x) {
    u32 bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    return bits;
}

static f64 power_of_two(i32 exponent) {
    u64 bits = (u64)(exponent + 1023) << 52;
    f64 value;
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
}

// An f32 is fraction * 2^(exponent - 150) with a fraction of 24 bits. The largest of a block gets its fraction moved up
// by 6 bits, the others by as many fewer as their exponent is smaller.
void fixed_fill(fixed_vector *v, const f32 *x, u32 cols) {
    for (u32 b = 0; b < cols / BLOCK; b++, x += BLOCK) {
        u32 top = 0;
        for (u32 i = 0; i < BLOCK; i++) {
            u32 exponent = bits_of(x[i]) >> 23 & 255;
            top = exponent > top ? exponent : top;
        }
        i64 sum = 0;
        for (u32 i = 0; i < BLOCK; i++) {
            u32 bits = bits_of(x[i]), exponent = bits >> 23 & 255, down = top - exponent;
            i32 size = exponent && down < 30 ? (i32)(((bits & 0x7fffff) | 0x800000) << 6 >> down) : 0;
            sum += v->number[b * BLOCK + i] = bits >> 31 ? -size : size;
        }
        v->unit[b] = power_of_two((i32)top - 156);
        v->sum[b] = sum;
    }
}

static u64 word_at(const u8 *at) {
    u64 word;
    __builtin_memcpy(&word, at, sizeof word);
    return word;
}

// A Q8_0 block: f16 scale, then 32 signed bytes.
static f32 dot_q8_0(const u8 *row, const fixed_vector *v, u32 cols) {
    const i32 *x = v->number;
    f64 total = 0;
    for (u32 b = 0; b < cols / BLOCK; b++, row += 34) {
        i64 sum = -128 * v->sum[b];
        for (u32 i = 0; i < BLOCK; i += 8, x += 8) {
            u64 q = word_at(row + 2 + i) ^ 0x8080808080808080u; // each byte plus 128, so that none has a sign
            for (u32 j = 0; j < 8; j++) sum += (i64)(q >> 8 * j & 255) * x[j];
        }
        total += half_at(row) * v->unit[b] * (f64)sum;
    }
    return (f32)total;
}

// A Q4_0 block: f16 scale, then 16 bytes; byte i holds weight i in its low half and weight i+16 in its high half, each plus 8.
static f32 dot_q4_0(const u8 *row, const fixed_vector *v, u32 cols) {
    const i32 *x = v->number;
    f64 total = 0;
    for (u32 b = 0; b < cols / BLOCK; b++, row += 18, x += BLOCK) {
        i64 sum = -8 * v->sum[b];
        for (u32 i = 0; i < BLOCK / 2; i += 8) {
            u64 q = word_at(row + 2 + i);
            for (u32 j = 0; j < 8; j++) sum += (i64)(q >> 8 * j & 15) * x[i + j] + (i64)(q >> (8 * j + 4) & 15) * x[i + j + 16];
        }
        total += half_at(row) * v->unit[b] * (f64)sum;
    }
    return (f32)total;
}

void matvec(f32 *y, matrix m, const f32 *x, fixed_vector *v) {
    u64 stride = (u64)(m.cols / type_block(m.type)) * type_bytes(m.type); // bytes in a row
    if (type_block(m.type) == BLOCK) fixed_fill(v, x, m.cols);
    for (u32 r = 0; r < m.rows; r++) {
        const u8 *row = m.data + r * stride;
        y[r] = m.type == TYPE_Q8_0 ? dot_q8_0(row, v, m.cols) : m.type == TYPE_Q4_0 ? dot_q4_0(row, v, m.cols)
             : m.type == TYPE_F16 ? dot_f16(row, x, m.cols) : dot(f32_at(row), x, m.cols);
    }
}

void matrix_row(f32 *y, matrix m, u32 row) {
    u32 block = type_block(m.type), unit = type_bytes(m.type);
    const u8 *at = m.data + (u64)row * (m.cols / block) * unit;
    for (u32 i = 0; i < m.cols; i++) {
        const u8 *b = at + (u64)(i / block) * unit;
        u32 j = i % block;
        if (m.type == TYPE_F32) y[i] = *f32_at(b);
        else if (m.type == TYPE_F16) y[i] = half_at(b);
        else if (m.type == TYPE_Q8_0) y[i] = half_at(b) * (i8)b[2 + j];
        else y[i] = half_at(b) * ((j < 16 ? b[2 + j] & 15 : b[2 + j - 16] >> 4) - 8);
    }
}
