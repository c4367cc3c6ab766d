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

// ---- dot products of one row with x[cols] ----
// LANES running sums, added up pairwise at the end. Eight suit scalar code (they hide the latency of an addition)
// and any SIMD width up to eight.
enum { LANES = 8, BLOCK = 32 };
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

// An integer becomes a float either by one instruction or, where floats are emulated, by one load: same bits.
#ifdef SLM_EMULATED_FLOATS
#define FOUR(n) n, n + 1, n + 2, n + 3
#define SIXTEEN(n) FOUR(n), FOUR(n + 4), FOUR(n + 8), FOUR(n + 12)
#define SIXTY_FOUR(n) SIXTEEN(n), SIXTEEN(n + 16), SIXTEEN(n + 32), SIXTEEN(n + 48)
static const f32 value_of[256] = {SIXTY_FOUR(0), SIXTY_FOUR(64), SIXTY_FOUR(-128), SIXTY_FOUR(-64)};
static inline f32 q8(u8 byte) { return value_of[byte]; }
static inline f32 q4(u8 nibble) { return value_of[(u8)(nibble - 8)]; }
#else
static inline f32 q8(u8 byte) { return (f32)(i8)byte; }
static inline f32 q4(u8 nibble) { return (f32)((i32)nibble - 8); }
#endif

static f32 dot_f32(const u8 *row, const f32 *x, u32 cols) { return dot(f32_at(row), x, cols); }

// A Q8_0 block: f16 scale, then 32 signed bytes.
static f32 dot_q8_0(const u8 *row, const f32 *x, u32 cols) {
    f32 sum[LANES] = {0};
    for (u32 i = 0; i < cols; i += BLOCK, row += 34, x += BLOCK) {
        const u8 *q = row + 2;
        f32 scale = half_at(row), part[LANES];
        EACH_LANE part[j] = ((q8(q[j]) * x[j] + q8(q[j + 8]) * x[j + 8]) + q8(q[j + 16]) * x[j + 16]) + q8(q[j + 24]) * x[j + 24];
        EACH_LANE sum[j] += scale * part[j];
    }
    return add_lanes(sum);
}

// A Q4_0 block: f16 scale, then 16 bytes; byte i holds weight i in its low half and weight i+16 in its high half, each plus 8.
static f32 dot_q4_0(const u8 *row, const f32 *x, u32 cols) {
    f32 sum[LANES] = {0};
    for (u32 i = 0; i < cols; i += BLOCK, row += 18, x += BLOCK) {
        const u8 *q = row + 2;
        f32 scale = half_at(row), part[LANES];
        EACH_LANE part[j] = ((q4(q[j] & 15) * x[j] + q4(q[j + 8] & 15) * x[j + 8]) + q4(q[j] >> 4) * x[j + 16]) + q4(q[j + 8] >> 4) * x[j + 24];
        EACH_LANE sum[j] += scale * part[j];
    }
    return add_lanes(sum);
}

void matvec(f32 *y, matrix m, const f32 *x) {
    f32 (*dot)(const u8 *, const f32 *, u32) =
        m.type == TYPE_Q8_0 ? dot_q8_0 : m.type == TYPE_Q4_0 ? dot_q4_0 : m.type == TYPE_F16 ? dot_f16 : dot_f32;
    u64 stride = (u64)(m.cols / type_block(m.type)) * type_bytes(m.type); // bytes in a row
    for (u32 r = 0; r < m.rows; r++) y[r] = dot(m.data + r * stride, x, m.cols);
}

void matrix_row(f32 *y, matrix m, u32 row) {
    u32 block = type_block(m.type), unit = type_bytes(m.type);
    const u8 *at = m.data + (u64)row * (m.cols / block) * unit;
    for (u32 i = 0; i < m.cols; i++) {
        const u8 *b = at + (u64)(i / block) * unit;
        u32 j = i % block;
        if (m.type == TYPE_F32) y[i] = *f32_at(b);
        else if (m.type == TYPE_F16) y[i] = half_at(b);
        else if (m.type == TYPE_Q8_0) y[i] = half_at(b) * q8(b[2 + j]);
        else y[i] = half_at(b) * q4(j < 16 ? b[2 + j] & 15 : b[2 + j - 16] >> 4);
    }
}
