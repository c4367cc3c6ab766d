// NEON, with the dot product instructions of ARMv8.2 where the processor has them. Four rows at a time: lane i belongs to row i.
#include "simd.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#include <sys/auxv.h>

#include "../runtime/maths.h"

#ifndef HWCAP_ASIMDDP
#define HWCAP_ASIMDDP (1 << 20)
#endif
// A compiler may use them in chosen functions only, but for clang before 16: built with it, plain NEON is the fastest.
#if defined(__ARM_FEATURE_DOTPROD)
#define DOTPROD
#elif !defined(__clang__) || __clang_major__ >= 16
#define DOTPROD __attribute__((target("arch=armv8.2-a+dotprod")))
#endif
#define NEON
#define INLINE static inline __attribute__((always_inline))

// ---- integer dot products of one row with one block, as four sums to be added ----

// Two products of at most 128 * 127 fit 16 bits, no more.
INLINE int32x4_t sixteen_neon(int32x4_t sum, int8x16_t w, int8x16_t x) {
    int16x8_t pairs = vmlal_high_s8(vmull_s8(vget_low_s8(w), vget_low_s8(x)), w, x);
    return vpadalq_s16(sum, pairs);
}

#ifdef DOTPROD
INLINE DOTPROD int32x4_t sixteen_dotprod(int32x4_t sum, int8x16_t w, int8x16_t x) { return vdotq_s32(sum, w, x); }
#endif

#define UNPACK_Q4_0(at, low, high) \
    uint8x16_t both = vld1q_u8((at) + 2); \
    int8x16_t low = vsubq_s8(vreinterpretq_s8_u8(vandq_u8(both, vdupq_n_u8(15))), vdupq_n_s8(8)); \
    int8x16_t high = vsubq_s8(vreinterpretq_s8_u8(vshrq_n_u8(both, 4)), vdupq_n_s8(8))
#define UNPACK_Q8_0(at, low, high) int8x16_t low = vreinterpretq_s8_u8(vld1q_u8((at) + 2)), high = vreinterpretq_s8_u8(vld1q_u8((at) + 18))

// The f16 scales of four rows: fractions with their signs, and by how much a product is shifted (to the left by less than 0).
INLINE void read_scales(int32x4_t *fraction, int64x2_t shift[2], const u8 *at, u64 stride) {
    i32 f[4];
    i64 s[4];
    for (u32 i = 0; i < 4; i++) {
        u32 half = *(const u16 *)(const void *)(at + i * stride), exponent = half >> 10 & 31;
        i32 size = (i32)((half & 1023) | (u32)(exponent > 0) << 10);
        f[i] = half >> 15 ? -size : size, s[i] = (i64)(exponent + (exponent == 0)) - 30;
    }
    *fraction = vld1q_s32(f), shift[0] = vld1q_s64(s), shift[1] = vld1q_s64(s + 2);
}

#define ROW_PRODUCTS(name, TARGET, size, UNPACK, sixteen) \
    INLINE TARGET int32x4_t name##_block(const u8 *at, int8x16_t x_low, int8x16_t x_high) { \
        UNPACK(at, low, high); \
        return sixteen(sixteen(vdupq_n_s32(0), low, x_low), high, x_high); \
    } \
    static TARGET void name(f32 *y, u64 y_stride, const matrix *m, u32 first, u32 last, const vectors *v) { \
        u64 bytes_in_row = row_bytes(m); \
        u32 blocks = m->cols / BLOCK; \
        for (u32 r = first; r < last;) { \
            u32 rows = last - r < 4 ? 1 : 4; /* fewer than four are done one by one, the same in all lanes */ \
            u64 stride = rows == 4 ? bytes_in_row : 0; \
            int64x2_t sum[TILE][2] = {0}; \
            const u8 *at = m->data + r * bytes_in_row; \
            for (u32 b = 0; b < blocks; b++, at += size) { \
                int32x4_t fraction; \
                int64x2_t shift[2]; \
                read_scales(&fraction, shift, at, stride); \
                for (u32 t = 0; t < v->n; t++) { \
                    const simd_block *x = blocks_of(v, t) + b; \
                    int8x16_t low = vld1q_s8(x->number), high = vld1q_s8(x->number + 16); \
                    int32x4_t p = vpaddq_s32(name##_block(at, low, high), name##_block(at + stride, low, high)); \
                    int32x4_t q = vpaddq_s32(name##_block(at + 2 * stride, low, high), name##_block(at + 3 * stride, low, high)); \
                    int32x4_t of_share = vmulq_s32(vpaddq_s32(p, q), fraction), share = vdupq_n_s32(x->share); \
                    sum[t][0] = vaddq_s64(sum[t][0], vshlq_s64(vmull_s32(vget_low_s32(of_share), vget_low_s32(share)), shift[0])); \
                    sum[t][1] = vaddq_s64(sum[t][1], vshlq_s64(vmull_high_s32(of_share, share), shift[1])); \
                } \
            } \
            for (u32 t = 0; t < v->n; t++) \
                for (u32 i = 0; i < rows; i++) y[t * y_stride + r + i] = (f32)sum[t][i / 2][i % 2] * v->unit[t]; \
            r += rows; \
        } \
    }

ROW_PRODUCTS(q4_0_neon, NEON, 18, UNPACK_Q4_0, sixteen_neon)
ROW_PRODUCTS(q8_0_neon, NEON, 34, UNPACK_Q8_0, sixteen_neon)
#ifdef DOTPROD
ROW_PRODUCTS(q4_0_dotprod, DOTPROD, 18, UNPACK_Q4_0, sixteen_dotprod)
ROW_PRODUCTS(q8_0_dotprod, DOTPROD, 34, UNPACK_Q8_0, sixteen_dotprod)
#endif

// ---- vectors ----

static f32 round_block(void *block, const f32 *x) {
    simd_block *o = block;
    uint32x4_t top = vdupq_n_u32(0);
    for (u32 i = 0; i < BLOCK; i += 4) top = vmaxq_u32(top, vandq_u32(vreinterpretq_u32_f32(vld1q_f32(x + i)), vdupq_n_u32(0x7fffffff)));
    u32 top_bits = vmaxvq_u32(top);
    f32 largest, scale, per_unit;
    __builtin_memcpy(&largest, &top_bits, sizeof largest);
    scale_of(largest, &scale, &per_unit);
    int32x4_t sum = vdupq_n_s32(0);
    for (u32 i = 0; i < BLOCK; i += 4) {
        int32x4_t number = per_unit != 0 ? vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + i), per_unit)) : vdupq_n_s32(0);
        sum = vaddq_s32(sum, number);
        for (u32 j = 0; j < 4; j++) o->number[i + j] = (i8)number[j];
    }
    o->sum = vaddvq_s32(sum);
    return scale;
}

static f32 round_vector(u8 *block, const f32 *x, u32 n_blocks) { return ROUND_BLOCKS(simd_block, block, x, n_blocks, round_block); }

static f32 add_lanes(float32x4_t s[4]) {
    float32x4_t a = vaddq_f32(vaddq_f32(s[0], s[2]), vaddq_f32(s[1], s[3]));
    float32x2_t b = vadd_f32(vget_low_f32(a), vget_high_f32(a));
    return vget_lane_f32(b, 0) + vget_lane_f32(b, 1);
}

#define DOT(name, type, load4, load1) \
    static f32 name(const type *a, const f32 *b, u32 n) { \
        float32x4_t s[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)}; \
        u32 i = 0; \
        for (; i + LANES <= n; i += LANES) \
            for (u32 j = 0; j < 4; j++) s[j] = vaddq_f32(s[j], vmulq_f32(load4(a + i + 4 * j), vld1q_f32(b + i + 4 * j))); \
        for (u32 j = 0; i + j < n; j++) s[j / 4][j % 4] += load1(a[i + j]) * b[i + j]; \
        return add_lanes(s); \
    }
#define FOUR_HALVES(at) vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(at)))
DOT(dot, f32, vld1q_f32, )
DOT(dot_f16, u16, FOUR_HALVES, half_to_f32)

static void scores(f32 *y, const f32 *q, const f32 *k, u64 stride, u32 n, u32 dim, f32 scale) {
    for (u32 i = 0; i < n; i++, k += stride) y[i] = dot(q, k, dim) * scale;
}

static void mix(f32 *y, const f32 *share, const f32 *v, u64 stride, u32 n, u32 dim) {
    u32 d = 0;
    for (; d + 16 <= dim; d += 16) {
        float32x4_t s[4] = {vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0), vdupq_n_f32(0)};
        const f32 *at = v + d;
        for (u32 i = 0; i < n; i++, at += stride)
            for (u32 j = 0; j < 4; j++) s[j] = vaddq_f32(s[j], vmulq_n_f32(vld1q_f32(at + 4 * j), share[i]));
        for (u32 j = 0; j < 4; j++) vst1q_f32(y + d + 4 * j, s[j]);
    }
    if (d < dim) portable.mix(y + d, share, v + d, stride, n, dim - d);
}

u32 find_engines(const engine *found[ENGINES_MAX]) {
    static engine neon;
    neon = (engine){"neon", round_vector, q8_0_neon, q4_0_neon, dot, dot_f16, scores, mix, portable.softmax, portable.swiglu};
    u32 n = 0;
#ifdef DOTPROD
    static engine dotprod;
    dotprod = neon, dotprod.name = "dotprod", dotprod.q8_0 = q8_0_dotprod, dotprod.q4_0 = q4_0_dotprod;
    if (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) found[n++] = &dotprod;
#endif
    found[n++] = &neon, found[n++] = &portable;
    return n;
}
#endif
