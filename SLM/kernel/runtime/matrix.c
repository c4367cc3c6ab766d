#include "matrix.h"

#include "maths.h"

u32 type_block(u32 type) { return type == TYPE_F32 || type == TYPE_F16 ? 1 : type == TYPE_Q4_0 || type == TYPE_Q8_0 ? BLOCK : 0; }
u32 type_bytes(u32 type) { return type == TYPE_F32 ? 4 : type == TYPE_F16 ? 2 : type == TYPE_Q4_0 ? 18 : type == TYPE_Q8_0 ? 34 : 0; }
// The types of GGUF files by their number (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), those that are only refused too.
const char *type_name(u32 type) {
    static const char *const names[] = {"F32", "F16", "Q4_0", "Q4_1", [6] = "Q5_0", "Q5_1", "Q8_0", "Q8_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "Q8_K",
        "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS", "I8", "I16", "I32", "I64", "F64", "IQ1_M", "BF16", [34] = "TQ1_0", "TQ2_0", [39] = "MXFP4"};
    return type < COUNT(names) && names[type] ? names[type] : "unknown";
}

u64 row_bytes(const matrix *m) { return (u64)(m->cols / type_block(m->type)) * type_bytes(m->type); }

f32 half_to_f32(u16 half) {
    u32 sign = (u32)(half & 0x8000) << 16, size = half & 0x7fff;
    union {
        u32 bits;
        f32 value;
    } f = {(size << 13) + (112u << 23)};
    if (size < 0x400) f.value = (f32)size * 0x1p-24f; // subnormal or 0
    if (size > 0x7bff) f.bits = 0x7f800000u | size << 13 | (size > 0x7c00 ? 1u << 22 : 0);
    f.bits |= sign;
    return f.value;
}

// Rows of F16 and blocks lie on 2-byte, rows of F32 on 4-byte boundaries: gguf_open checks the file's address, llama_open the
// tensor's, and all sizes are even.
static u16 u16_at(const u8 *at) { return *(const u16 *)(const void *)at; }
static f32 f32_at(const u8 *at) { return *(const f32 *)(const void *)at; }

void matrix_row(f32 *y, const matrix *m, u32 row) {
    u32 block = type_block(m->type), unit = type_bytes(m->type);
    const u8 *at = m->data + row * row_bytes(m);
    for (u32 i = 0; i < m->cols; i++) {
        const u8 *b = at + (u64)(i / block) * unit;
        u32 j = i % block;
        if (m->type == TYPE_F32) y[i] = f32_at(b);
        else if (m->type == TYPE_F16) y[i] = half_to_f32(u16_at(b));
        else if (m->type == TYPE_Q8_0) y[i] = half_to_f32(u16_at(b)) * (i8)b[2 + j];
        else y[i] = half_to_f32(u16_at(b)) * ((j < 16 ? b[2 + j] & 15 : b[2 + j - 16] >> 4) - 8);
    }
}

bool matrix_sound(const matrix *m) {
    u32 unit = type_bytes(m->type), largest = 0;
    u64 size = m->rows * row_bytes(m);
    if (type_block(m->type) != BLOCK) return true;
    for (u64 at = 0; at < size; at += unit) {
        u32 exponent = u16_at(m->data + at) >> 10 & 31;
        largest = exponent > largest ? exponent : largest;
    }
    return largest <= 20; // below 2^6
}

// ---- dot products of floats ----

static f32 add_lanes(f32 s[LANES]) {
    for (u32 half = LANES / 2; half; half /= 2)
        for (u32 j = 0; j < half; j++) s[j] += s[j + half];
    return s[0];
}

// Sum by sum, so that each stays in a register.
static f32 dot(const f32 *a, const f32 *b, u32 n) {
    f32 sum[LANES];
    for (u32 j = 0; j < LANES; j++) {
        f32 s = 0;
        for (u32 i = j; i < n; i += LANES) s += a[i] * b[i];
        sum[j] = s;
    }
    return add_lanes(sum);
}

static f32 dot_f16(const u16 *a, const f32 *b, u32 n) {
    f32 sum[LANES];
    for (u32 j = 0; j < LANES; j++) {
        f32 s = 0;
        for (u32 i = j; i < n; i += LANES) s += half_to_f32(a[i]) * b[i];
        sum[j] = s;
    }
    return add_lanes(sum);
}

static void scores(f32 *y, const f32 *q, const f32 *k, u64 stride, u32 n, u32 dim, f32 scale) {
    for (u32 i = 0; i < n; i++, k += stride) y[i] = dot(q, k, dim) * scale;
}

static void mix(f32 *y, const f32 *share, const f32 *v, u64 stride, u32 n, u32 dim) {
    u32 d = 0;
    for (; d + 4 <= dim; d += 4) {
        f32 a = 0, b = 0, c = 0, e = 0;
        const f32 *at = v + d;
        for (u32 i = 0; i < n; i++, at += stride) a += share[i] * at[0], b += share[i] * at[1], c += share[i] * at[2], e += share[i] * at[3];
        y[d] = a, y[d + 1] = b, y[d + 2] = c, y[d + 3] = e;
    }
    for (; d < dim; d++) {
        y[d] = 0;
        for (u32 i = 0; i < n; i++) y[d] += share[i] * v[i * stride + d];
    }
}

static void softmax(f32 *x, u32 n) {
    f32 top = x[0], sum[LANES] = {0};
    for (u32 i = 1; i < n; i++) top = x[i] > top ? x[i] : top;
    for (u32 i = 0; i < n; i++) sum[i % LANES] += x[i] = exp_f32(x[i] - top);
    f32 total = add_lanes(sum);
    for (u32 i = 0; i < n; i++) x[i] /= total;
}

static void swiglu(f32 *gate, const f32 *up, u32 n) {
    for (u32 i = 0; i < n; i++) gate[i] = gate[i] / (1.0f + exp_f32(-gate[i])) * up[i];
}

// ---- dot products of integers, four to a multiplication ----
// A word holds four bytes of the vector in 16-bit fields, the first in the highest: times a word with four weights of 0 to 15
// in such fields, the first in the lowest, its highest field is their dot product. What carries into that field from below
// is rounded away by HALF. Weights are stored plus 8, so a block's sums start at -8 times the sum of its words: then no
// field ever leaves 16 bits, 32 weights of at most 8 times 127 being 32512.
typedef struct {
    u64 word[8]; // values 8k, 8k+2, 8k+4, 8k+6 in word 2k, the odd ones in word 2k+1
    u64 start;   // HALF - 8 * (1 in each field) * sum of the words
    i32 share;   // scale of the block over that of the vector
    i32 sum;     // of the 32 bytes
} words;

_Static_assert(sizeof(words) == BLOCK_BYTES, "the pool counts on it");
#define HALF ((u64)1 << 47)
#define NIBBLES 0x000f000f000f000fu

static u32 bits_of(f32 x) {
    u32 bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    return bits;
}

// Adding 1.5 * 2^23 leaves a number's nearest integer, of two the even one, in the low bits.
static i32 nearest(f32 x) { return (i32)(bits_of(x + 0x1.8p23f) - 0x4b400000u); }

static f32 round_block(void *block, const f32 *x) { // returns the scale
    words *w = block;
    u32 top = 0;
    for (u32 i = 0; i < BLOCK; i++) {
        u32 size = bits_of(x[i]) & 0x7fffffff;
        top = size > top ? size : top;
    }
    f32 largest, scale, per_unit;
    __builtin_memcpy(&largest, &top, sizeof largest);
    scale_of(largest, &scale, &per_unit);
    u64 all = 0;
    w->sum = 0;
    for (u32 k = 0; k < 8; k++) {
        u64 word = 0;
        for (u32 j = 0; j < 4; j++) {
            i32 number = per_unit != 0 ? nearest(x[8 * (k / 2) + k % 2 + 2 * j] * per_unit) : 0;
            word += (u64)(i64)number << (48 - 16 * j);
            w->sum += number;
        }
        all += w->word[k] = word;
    }
    w->start = HALF - 0x0008000800080008u * all;
    return scale;
}

static f32 round_vector(u8 *block, const f32 *x, u32 n_blocks) { return ROUND_BLOCKS(words, block, x, n_blocks, round_block); }

#ifndef SLM_WORD_AT // eight bytes from any address; a machine may know better
static u64 word_at(const u8 *at) {
    u64 word;
    __builtin_memcpy(&word, at, sizeof word);
    return word;
}
#define SLM_WORD_AT word_at
#endif

// A Q4_0 block: f16 scale, then 16 bytes; byte i holds weight i in its low half and weight i+16 in its high half.
static inline void q4_0_fields(u64 f[8], const u8 *block) {
    u64 a = SLM_WORD_AT(block + 2), b = SLM_WORD_AT(block + 10);
    f[0] = a & NIBBLES, f[1] = a >> 8 & NIBBLES, f[2] = b & NIBBLES, f[3] = b >> 8 & NIBBLES;
    f[4] = a >> 4 & NIBBLES, f[5] = a >> 12 & NIBBLES, f[6] = b >> 4 & NIBBLES, f[7] = b >> 12 & NIBBLES;
}

// A Q8_0 block: f16 scale, then 32 signed bytes, each 16 * (high - 8) + (low - 8) + 8 of its halves once 128 is added.
static inline void q8_0_fields(u64 low[8], u64 high[8], const u8 *block) {
    for (u32 k = 0; k < 4; k++) {
        u64 a = SLM_WORD_AT(block + 2 + 8 * k) ^ 0x8080808080808080u;
        low[2 * k] = a & NIBBLES, low[2 * k + 1] = a >> 8 & NIBBLES;
        high[2 * k] = a >> 4 & NIBBLES, high[2 * k + 1] = a >> 12 & NIBBLES;
    }
}

static inline i32 top_field(const u64 f[8], const words *x) {
    u64 sum = x->start;
    for (u32 k = 0; k < 8; k++) sum += f[k] * x->word[k];
    return (i32)((i64)sum >> 48);
}

// What a block adds to its row's sum; `half` is its scale.
static inline u64 scaled(i32 dot, u16 half, const words *x) {
    u32 exponent = half >> 10 & 31;
    i32 fraction = (i32)((half & 0x3ffu) | (u32)(exponent > 0) << 10);
    exponent += exponent == 0;
    i64 product = (i64)dot * (half >> 15 ? -fraction : fraction) * x->share;
    return (u64)(product >> ((30 - exponent) & 63));
}

// With one vector, ROWS rows at a time share the loads of it; with more, the vectors share the unpacked weights of a row.
#ifndef SLM_ROWS
#define SLM_ROWS 2
#endif
enum { ROWS = SLM_ROWS };
#define EACH_ROW for (u32 i = 0; i < ROWS; i++)

static inline void q4_0_dots(i32 dot[ROWS], const u8 *block, u64 stride, const words *x) {
    u64 a[ROWS], b[ROWS], sum[ROWS];
    EACH_ROW a[i] = SLM_WORD_AT(block + i * stride + 2), b[i] = SLM_WORD_AT(block + i * stride + 10), sum[i] = x->start;
    #define STEP(k, from, shift) do { u64 word = x->word[k]; EACH_ROW sum[i] += (from[i] >> shift & NIBBLES) * word; } while (0)
    STEP(0, a, 0); STEP(4, a, 4); STEP(1, a, 8); STEP(5, a, 12);
    STEP(2, b, 0); STEP(6, b, 4); STEP(3, b, 8); STEP(7, b, 12);
    #undef STEP
    EACH_ROW dot[i] = (i32)((i64)sum[i] >> 48);
}

static inline void q8_0_dots(i32 dot[ROWS], const u8 *block, u64 stride, const words *x) {
    u64 low[ROWS], high[ROWS];
    EACH_ROW low[i] = high[i] = x->start;
    for (u32 k = 0; k < 4; k++) {
        u64 even = x->word[2 * k], odd = x->word[2 * k + 1];
        EACH_ROW {
            u64 a = SLM_WORD_AT(block + i * stride + 2 + 8 * k) ^ 0x8080808080808080u;
            low[i] += (a & NIBBLES) * even + (a >> 8 & NIBBLES) * odd;
            high[i] += (a >> 4 & NIBBLES) * even + (a >> 12 & NIBBLES) * odd;
        }
    }
    EACH_ROW dot[i] = 16 * (i32)((i64)high[i] >> 48) + (i32)((i64)low[i] >> 48) + 8 * x->sum;
}

// Fewer than ROWS at the end are done one by one, the same row ROWS times.
#define ONE_VECTOR(type, size) \
    static void type##_one(f32 *y, const matrix *m, u32 first, u32 last, const vectors *v) { \
        u64 in_row = row_bytes(m); \
        for (u32 r = first, rows; r < last; r += rows) { \
            rows = last - r < ROWS ? 1 : ROWS; \
            u64 stride = rows == 1 ? 0 : in_row; \
            const u8 *at = m->data + r * in_row; \
            const words *x = (const words *)(const void *)v->block, *end = x + m->cols / BLOCK; \
            u64 sum[ROWS] = {0}; \
            for (; x < end; at += size, x++) { \
                i32 dot[ROWS]; \
                type##_dots(dot, at, stride, x); \
                EACH_ROW sum[i] += scaled(dot[i], u16_at(at + i * stride), x); \
            } \
            for (u32 i = 0; i < rows; i++) y[r + i] = (f32)(i64)sum[i] * v->unit[0]; \
        } \
    }
ONE_VECTOR(q4_0, 18)
ONE_VECTOR(q8_0, 34)

static void q4_0_rows(f32 *y, u64 stride, const matrix *m, u32 first, u32 last, const vectors *v) {
    if (v->n == 1) { q4_0_one(y, m, first, last, v); return; }
    const u8 *at = m->data + first * row_bytes(m);
    u32 blocks = m->cols / BLOCK;
    for (u32 r = first; r < last; r++) {
        u64 sum[TILE] = {0};
        for (u32 b = 0; b < blocks; b++, at += 18) {
            const words *x = (const words *)(const void *)v->block + b;
            u16 scale = u16_at(at);
            u64 f[8];
            q4_0_fields(f, at);
            for (u32 t = 0; t < v->n; t++, x += blocks) sum[t] += scaled(top_field(f, x), scale, x);
        }
        for (u32 t = 0; t < v->n; t++) y[t * stride + r] = (f32)(i64)sum[t] * v->unit[t];
    }
}

static void q8_0_rows(f32 *y, u64 stride, const matrix *m, u32 first, u32 last, const vectors *v) {
    if (v->n == 1) { q8_0_one(y, m, first, last, v); return; }
    const u8 *at = m->data + first * row_bytes(m);
    u32 blocks = m->cols / BLOCK;
    for (u32 r = first; r < last; r++) {
        u64 sum[TILE] = {0};
        for (u32 b = 0; b < blocks; b++, at += 34) {
            const words *x = (const words *)(const void *)v->block + b;
            u16 scale = u16_at(at);
            u64 low[8], high[8];
            q8_0_fields(low, high, at);
            for (u32 t = 0; t < v->n; t++, x += blocks) sum[t] += scaled(16 * top_field(high, x) + top_field(low, x) + 8 * x->sum, scale, x);
        }
        for (u32 t = 0; t < v->n; t++) y[t * stride + r] = (f32)(i64)sum[t] * v->unit[t];
    }
}

// ---- any engine ----

const engine portable = {"portable", round_vector, q8_0_rows, q4_0_rows, dot, dot_f16, scores, mix, softmax, swiglu};
const engine *slm_engine = &portable;

static void run_alone(slm_job *job, void *work) { job(work, 0, 1); }
void (*slm_parallel)(slm_job *job, void *work) = run_alone;

void scale_of(f32 largest, f32 *scale, f32 *per_unit) {
    bool usable = largest > 0x1p-90f && largest < __builtin_inff();
    *per_unit = usable ? 127.0f / largest : 0;
    *scale = usable ? largest / 127.0f : largest <= 0x1p-90f ? 0 : __builtin_nanf("");
}

// A scale of 2^(f-127) or more, but not twice that, is an integer of 30 bits in units of 2^(f-156). An f16 is its fraction of
// 11 bits times 2^(exponent-25), of which the sums have 2^(exponent-30); so one is worth 2^5 * 2^(f-156) in them.
void unit_of(f32 largest_scale, f32 *unit, f32 *per_unit) {
    u32 f = bits_of(largest_scale) >> 23, worth = (f - 24) << 23, inverse = (283 - f) << 23;
    *unit = largest_scale, *per_unit = 0;
    if (!(largest_scale > 0)) return;
    __builtin_memcpy(unit, &worth, sizeof worth);
    __builtin_memcpy(per_unit, &inverse, sizeof inverse);
}

bool vectors_place(vectors *v, u32 cols, pool *p) {
    return (v->block = pool_take(p, (u64)TILE * ((cols + BLOCK - 1) / BLOCK), BLOCK_BYTES)) != NULL;
}

void vectors_set(vectors *v, const f32 *x, u32 n, u32 cols) {
    v->x = x, v->n = n, v->cols = cols, v->rounded = false;
}

void vectors_ready(vectors *v, const matrix *m) {
    if (type_block(m->type) != BLOCK || v->rounded) return;
    u32 blocks = v->cols / BLOCK;
    for (u32 t = 0; t < v->n; t++) v->unit[t] = slm_engine->round(v->block + (u64)t * blocks * BLOCK_BYTES, v->x + (u64)t * v->cols, blocks);
    v->rounded = true;
}

void multiply(f32 *y, u64 stride, const matrix *m, u32 first, u32 last, const vectors *v) {
    const engine *e = slm_engine;
    if (m->type == TYPE_Q8_0) e->q8_0(y, stride, m, first, last, v);
    else if (m->type == TYPE_Q4_0) e->q4_0(y, stride, m, first, last, v);
    else
        for (u32 r = first; r < last; r++) {
            const void *row = m->data + r * row_bytes(m);
            for (u32 t = 0; t < v->n; t++) {
                const f32 *x = v->x + (u64)t * v->cols;
                y[t * stride + r] = m->type == TYPE_F16 ? e->dot_f16(row, x, m->cols) : e->dot(row, x, m->cols);
            }
        }
}
