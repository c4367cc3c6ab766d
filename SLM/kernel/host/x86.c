// AVX2, and AVX-512 VNNI in 256-bit registers. Eight rows at a time: lane i of a register belongs to row i.
#include "simd.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#include "../runtime/maths.h"

#define AVX2 __attribute__((target("avx2,f16c")))
#define VNNI __attribute__((target("avx2,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))
#define INLINE static inline __attribute__((always_inline))

// ---- weights ----

// Four registers with the 16 bytes at `at` of eight rows; then register k gets bytes 4k to 4k+3 of each row.
INLINE AVX2 void transpose(__m256i out[4], const u8 *at, u64 stride) {
    __m256i r[4];
    for (u32 i = 0; i < 4; i++)
        r[i] = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const void *)(at + i * stride))),
                                       _mm_loadu_si128((const void *)(at + (i + 4) * stride)), 1);
    __m256i a = _mm256_unpacklo_epi32(r[0], r[1]), b = _mm256_unpackhi_epi32(r[0], r[1]);
    __m256i c = _mm256_unpacklo_epi32(r[2], r[3]), d = _mm256_unpackhi_epi32(r[2], r[3]);
    out[0] = _mm256_unpacklo_epi64(a, c), out[1] = _mm256_unpackhi_epi64(a, c);
    out[2] = _mm256_unpacklo_epi64(b, d), out[3] = _mm256_unpackhi_epi64(b, d);
}

// The f16 scales of eight rows: fractions with their signs, and by how much a product is shifted, even rows and odd ones.
typedef struct {
    __m256i fraction, even, odd;
} scales;

INLINE AVX2 scales read_scales(const u8 *at, u64 stride) {
    #define HALF_OF(i, place) (u64)*(const u16 *)(const void *)(at + (i) * stride) << 16 * (place)
    u64 first = HALF_OF(0, 0) | HALF_OF(1, 1) | HALF_OF(2, 2) | HALF_OF(3, 3), last = HALF_OF(4, 0) | HALF_OF(5, 1) | HALF_OF(6, 2) | HALF_OF(7, 3);
    __m256i half = _mm256_cvtepi16_epi32(_mm_unpacklo_epi64(_mm_cvtsi64_si128((i64)first), _mm_cvtsi64_si128((i64)last)));
    __m256i exponent = _mm256_and_si256(_mm256_srli_epi32(half, 10), _mm256_set1_epi32(31)), one = _mm256_set1_epi32(1);
    __m256i leading = _mm256_slli_epi32(_mm256_min_epi32(exponent, one), 10);
    __m256i fraction = _mm256_or_si256(_mm256_and_si256(half, _mm256_set1_epi32(1023)), leading);
    __m256i shift = _mm256_sub_epi32(_mm256_set1_epi32(30), _mm256_max_epi32(exponent, one));
    return (scales){_mm256_sign_epi32(fraction, half), _mm256_and_si256(shift, _mm256_set1_epi64x(0xffffffff)), _mm256_srli_epi64(shift, 32)};
}

// Register j gets weights 4j to 4j+3 of each row: unsigned, to be lowered by 8.
INLINE AVX2 void unpack_q4_0(__m256i w[8], const u8 *at, u64 stride) {
    const __m256i low = _mm256_set1_epi8(15);
    transpose(w, at + 2, stride);
    for (u32 k = 0; k < 4; k++) w[k + 4] = _mm256_and_si256(_mm256_srli_epi16(w[k], 4), low), w[k] = _mm256_and_si256(w[k], low);
}

INLINE AVX2 void unpack_q8_0(__m256i w[8], const u8 *at, u64 stride) { // signed
    transpose(w, at + 2, stride), transpose(w + 4, at + 18, stride);
}

INLINE AVX2 void unpack_q8_0_above(__m256i w[8], const u8 *at, u64 stride) { // unsigned, to be lowered by 128
    unpack_q8_0(w, at, stride);
    for (u32 k = 0; k < 8; k++) w[k] = _mm256_xor_si256(w[k], _mm256_set1_epi8(-128));
}

// ---- integer dot products of eight rows with one block ----

INLINE AVX2 __m256i four(const simd_block *x, u32 j) {
    i32 numbers;
    __builtin_memcpy(&numbers, x->number + 4 * j, sizeof numbers);
    return _mm256_set1_epi32(numbers);
}

INLINE VNNI __m256i dot_vnni(const __m256i w[8], const simd_block *x, i32 above) {
    __m256i a = _mm256_set1_epi32(-above * x->sum), b = _mm256_setzero_si256();
    for (u32 j = 0; j < 8; j += 2) a = _mm256_dpbusd_epi32(a, w[j], four(x, j)), b = _mm256_dpbusd_epi32(b, w[j + 1], four(x, j + 1));
    return _mm256_add_epi32(a, b);
}

// Eight sums of two products of at most 15 * 127 fit 16 bits.
INLINE AVX2 __m256i dot_avx2_q4_0(const __m256i w[8], const simd_block *x) {
    __m256i a = _mm256_maddubs_epi16(w[0], four(x, 0)), b = _mm256_maddubs_epi16(w[1], four(x, 1));
    for (u32 j = 2; j < 8; j += 2)
        a = _mm256_add_epi16(a, _mm256_maddubs_epi16(w[j], four(x, j))), b = _mm256_add_epi16(b, _mm256_maddubs_epi16(w[j + 1], four(x, j + 1)));
    return _mm256_add_epi32(_mm256_madd_epi16(_mm256_add_epi16(a, b), _mm256_set1_epi16(1)), _mm256_set1_epi32(-8 * x->sum));
}

// |w| is at most 128 as an unsigned byte, and two products of 128 * 127 fit 16 bits, no more.
INLINE AVX2 __m256i dot_avx2_q8_0(const __m256i w[8], const simd_block *x) {
    __m256i sum = _mm256_setzero_si256();
    for (u32 j = 0; j < 8; j++) {
        __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w[j]), _mm256_sign_epi8(four(x, j), w[j]));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    }
    return sum;
}

INLINE VNNI __m256i dot_vnni_q4_0(const __m256i w[8], const simd_block *x) { return dot_vnni(w, x, 8); }
INLINE VNNI __m256i dot_vnni_q8_0(const __m256i w[8], const simd_block *x) { return dot_vnni(w, x, 128); }

// ---- sums of eight rows ----

typedef struct {
    __m256i even, odd; // rows 0 2 4 6, rows 1 3 5 7
} sums;

// Without AVX-512 there is no arithmetic shift of 64 bits; the bias makes what is shifted positive.
INLINE AVX2 __m256i shift_avx2(__m256i value, __m256i by) {
    const __m256i bias = _mm256_set1_epi64x((i64)1 << 62);
    return _mm256_sub_epi64(_mm256_srlv_epi64(_mm256_add_epi64(value, bias), by), _mm256_srlv_epi64(bias, by));
}

INLINE VNNI __m256i shift_vnni(__m256i value, __m256i by) { return _mm256_srav_epi64(value, by); }

#define ADD(sum, dot, shift, s, x) do { \
    __m256i of_share = _mm256_mullo_epi32(dot, (s)->fraction), share = _mm256_set1_epi32((x)->share); \
    (sum)->even = _mm256_add_epi64((sum)->even, shift(_mm256_mul_epi32(of_share, share), (s)->even)); \
    (sum)->odd = _mm256_add_epi64((sum)->odd, shift(_mm256_mul_epi32(_mm256_srli_epi64(of_share, 32), share), (s)->odd)); \
} while (0)

INLINE AVX2 __m256 floats_avx2(const sums *s) {
    i64 even[4], odd[4];
    f32 value[8];
    _mm256_storeu_si256((void *)even, s->even), _mm256_storeu_si256((void *)odd, s->odd);
    for (u32 i = 0; i < 4; i++) value[2 * i] = (f32)even[i], value[2 * i + 1] = (f32)odd[i];
    return _mm256_loadu_ps(value);
}

INLINE VNNI __m256 floats_vnni(const sums *s) {
    __m128 even = _mm256_cvtepi64_ps(s->even), odd = _mm256_cvtepi64_ps(s->odd);
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_unpacklo_ps(even, odd)), _mm_unpackhi_ps(even, odd), 1);
}

// ---- rows ----

enum { CHUNK = 64 }; // blocks whose weights are unpacked once for all vectors

typedef struct {
    __m256i weight[CHUNK][8];
    scales scale[CHUNK];
} unpacked;

// Eight rows, `stride` bytes apart, times one vector; or, from `unpack`ed weights, times n of at most four.
#define ROW_PRODUCTS(name, TARGET, size, unpack, dot, shift, floats) \
    INLINE TARGET void name##_once(sums *out, const u8 *at, u64 stride, const simd_block *x, u32 blocks) { \
        sums sum = {_mm256_setzero_si256(), _mm256_setzero_si256()}; \
        const u8 *next = at + 8 * stride; /* the eight rows after these, which lie in one piece */ \
        for (u32 b = 0; b < blocks; b++, at += size, x++, next += 8 * size) { \
            __m256i w[8]; \
            for (u32 i = 0; i < 8 * size; i += 64) _mm_prefetch((const char *)next + i, _MM_HINT_T0); \
            unpack(w, at, stride); \
            scales s = read_scales(at, stride); \
            ADD(&sum, dot(w, x), shift, &s, x); \
        } \
        *out = sum; \
    } \
    INLINE TARGET void name##_chunk(sums *sum, const unpacked *u, const simd_block *x, u64 next, u32 n, u32 blocks) { \
        sums s[4]; \
        for (u32 i = 0; i < n; i++) s[i] = sum[i]; \
        for (u32 b = 0; b < blocks; b++) \
            for (u32 i = 0; i < n; i++) ADD(&s[i], dot(u->weight[b], x + i * next + b), shift, &u->scale[b], x + i * next + b); \
        for (u32 i = 0; i < n; i++) sum[i] = s[i]; \
    } \
    static TARGET void name##_many(sums sum[TILE], const u8 *at, u64 stride, const vectors *v, u32 blocks) { \
        unpacked u; \
        u64 next = (u64)(blocks_of(v, 1) - blocks_of(v, 0)); \
        for (u32 t = 0; t < v->n; t++) sum[t] = (sums){_mm256_setzero_si256(), _mm256_setzero_si256()}; \
        for (u32 first = 0; first < blocks; first += CHUNK) { \
            u32 count = blocks - first < CHUNK ? blocks - first : CHUNK, t = 0; \
            for (u32 b = 0; b < count; b++, at += size) unpack(u.weight[b], at, stride), u.scale[b] = read_scales(at, stride); \
            for (; t + 4 <= v->n; t += 4) name##_chunk(sum + t, &u, blocks_of(v, t) + first, next, 4, count); \
            for (; t < v->n; t++) name##_chunk(sum + t, &u, blocks_of(v, t) + first, next, 1, count); \
        } \
    } \
    static TARGET void name(f32 *y, u64 y_stride, const matrix *m, u32 first, u32 last, const vectors *v) { \
        u64 in_row = row_bytes(m); \
        sums sum[TILE]; \
        for (u32 r = first, rows; r < last; r += rows) { \
            rows = last - r < 8 ? 1 : 8; /* fewer than eight are done one by one, the same in all lanes */ \
            u64 stride = rows == 8 ? in_row : 0; \
            const u8 *at = m->data + r * in_row; \
            if (v->n == 1) name##_once(sum, at, stride, blocks_of(v, 0), m->cols / BLOCK); \
            else name##_many(sum, at, stride, v, m->cols / BLOCK); \
            for (u32 t = 0; t < v->n; t++) { \
                __m256 value = _mm256_mul_ps(floats(&sum[t]), _mm256_set1_ps(v->unit[t])); \
                if (rows == 8) _mm256_storeu_ps(y + t * y_stride + r, value); \
                else y[t * y_stride + r] = _mm256_cvtss_f32(value); \
            } \
        } \
    }

ROW_PRODUCTS(q4_0_avx2, AVX2, 18, unpack_q4_0, dot_avx2_q4_0, shift_avx2, floats_avx2)
ROW_PRODUCTS(q8_0_avx2, AVX2, 34, unpack_q8_0, dot_avx2_q8_0, shift_avx2, floats_avx2)
ROW_PRODUCTS(q4_0_vnni, VNNI, 18, unpack_q4_0, dot_vnni_q4_0, shift_vnni, floats_vnni)
ROW_PRODUCTS(q8_0_vnni, VNNI, 34, unpack_q8_0_above, dot_vnni_q8_0, shift_vnni, floats_vnni)

// ---- vectors ----

static AVX2 i32 top_of(__m256i v) {
    __m128i h = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    h = _mm_max_epi32(h, _mm_shuffle_epi32(h, 0x4e));
    return _mm_cvtsi128_si32(_mm_max_epi32(h, _mm_shuffle_epi32(h, 0xb1)));
}

static AVX2 i32 sum_of(__m256i v) {
    __m128i h = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    h = _mm_add_epi32(h, _mm_shuffle_epi32(h, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(h, _mm_shuffle_epi32(h, 0xb1)));
}

static AVX2 f32 round_block(void *block, const f32 *x) {
    simd_block *o = block;
    const __m256i no_sign = _mm256_set1_epi32(0x7fffffff), order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i bits[4], top = _mm256_setzero_si256();
    for (u32 i = 0; i < 4; i++) bits[i] = _mm256_loadu_si256((const void *)(x + 8 * i)), top = _mm256_max_epi32(top, _mm256_and_si256(bits[i], no_sign));
    i32 top_bits = top_of(top);
    f32 largest, scale, per_unit;
    __builtin_memcpy(&largest, &top_bits, sizeof largest);
    scale_of(largest, &scale, &per_unit);
    for (u32 i = 0; i < 4; i++)
        bits[i] = per_unit != 0 ? _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_castsi256_ps(bits[i]), _mm256_set1_ps(per_unit))) : _mm256_setzero_si256();
    o->sum = sum_of(_mm256_add_epi32(_mm256_add_epi32(bits[0], bits[1]), _mm256_add_epi32(bits[2], bits[3])));
    __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(bits[0], bits[1]), _mm256_packs_epi32(bits[2], bits[3]));
    _mm256_storeu_si256((void *)o->number, _mm256_permutevar8x32_epi32(bytes, order));
    return scale;
}

static f32 round_vector(u8 *block, const f32 *x, u32 n_blocks) { return ROUND_BLOCKS(simd_block, block, x, n_blocks, round_block); }

static AVX2 f32 add_lanes(__m256 a, __m256 b) {
    a = _mm256_add_ps(a, b);
    __m128 h = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    h = _mm_add_ps(h, _mm_movehl_ps(h, h));
    return _mm_cvtss_f32(_mm_add_ss(h, _mm_shuffle_ps(h, h, 1)));
}

#define DOT(name, type, load8, load1) \
    static AVX2 f32 name(const type *a, const f32 *b, u32 n) { \
        __m256 s = _mm256_setzero_ps(), t = s; \
        u32 i = 0; \
        for (; i + LANES <= n; i += LANES) { \
            s = _mm256_add_ps(s, _mm256_mul_ps(load8(a + i), _mm256_loadu_ps(b + i))); \
            t = _mm256_add_ps(t, _mm256_mul_ps(load8(a + i + 8), _mm256_loadu_ps(b + i + 8))); \
        } \
        if (i < n) { \
            f32 lane[LANES]; \
            _mm256_storeu_ps(lane, s), _mm256_storeu_ps(lane + 8, t); \
            for (u32 j = 0; i + j < n; j++) lane[j] += load1(a[i + j]) * b[i + j]; \
            s = _mm256_loadu_ps(lane), t = _mm256_loadu_ps(lane + 8); \
        } \
        return add_lanes(s, t); \
    }
#define EIGHT_HALVES(at) _mm256_cvtph_ps(_mm_loadu_si128((const void *)(at)))
DOT(dot, f32, _mm256_loadu_ps, )
DOT(dot_f16, u16, EIGHT_HALVES, half_to_f32)

// Four dot products at a time where the vectors have no odd end: halved together, they cost one shuffle more than one.
static AVX2 void scores(f32 *y, const f32 *q, const f32 *k, u64 stride, u32 n, u32 dim, f32 scale) {
    u32 i = 0;
    for (; dim % LANES == 0 && i + 4 <= n; i += 4, k += 4 * stride) {
        __m256 s[4], t[4];
        for (u32 j = 0; j < 4; j++) s[j] = t[j] = _mm256_setzero_ps();
        for (u32 d = 0; d < dim; d += LANES) {
            __m256 a = _mm256_loadu_ps(q + d), b = _mm256_loadu_ps(q + d + 8);
            for (u32 j = 0; j < 4; j++) {
                s[j] = _mm256_add_ps(s[j], _mm256_mul_ps(_mm256_loadu_ps(k + j * stride + d), a));
                t[j] = _mm256_add_ps(t[j], _mm256_mul_ps(_mm256_loadu_ps(k + j * stride + d + 8), b));
            }
        }
        __m128 four[4], pair[2];
        for (u32 j = 0; j < 4; j++) {
            s[j] = _mm256_add_ps(s[j], t[j]);
            four[j] = _mm_add_ps(_mm256_castps256_ps128(s[j]), _mm256_extractf128_ps(s[j], 1));
        }
        for (u32 j = 0; j < 2; j++) pair[j] = _mm_add_ps(_mm_movelh_ps(four[2 * j], four[2 * j + 1]), _mm_movehl_ps(four[2 * j + 1], four[2 * j]));
        __m128 all = _mm_add_ps(_mm_shuffle_ps(pair[0], pair[1], 0x88), _mm_shuffle_ps(pair[0], pair[1], 0xdd));
        _mm_storeu_ps(y + i, _mm_mul_ps(all, _mm_set1_ps(scale)));
    }
    for (; i < n; i++, k += stride) y[i] = dot(q, k, dim) * scale;
}

static AVX2 void mix(f32 *y, const f32 *share, const f32 *v, u64 stride, u32 n, u32 dim) {
    u32 d = 0;
    for (; d + 32 <= dim; d += 32) {
        __m256 s[4];
        const f32 *at = v + d;
        for (u32 j = 0; j < 4; j++) s[j] = _mm256_setzero_ps();
        for (u32 i = 0; i < n; i++, at += stride)
            for (u32 j = 0; j < 4; j++) s[j] = _mm256_add_ps(s[j], _mm256_mul_ps(_mm256_set1_ps(share[i]), _mm256_loadu_ps(at + 8 * j)));
        for (u32 j = 0; j < 4; j++) _mm256_storeu_ps(y + d + 8 * j, s[j]);
    }
    if (d < dim) portable.mix(y + d, share, v + d, stride, n, dim - d);
}

// exp_f32 of maths.h, step by step.
INLINE AVX2 __m256 exp8(__m256 x) {
    #define ALL _mm256_set1_ps
    __m256 most = _mm256_min_ps(x, ALL(88.0f)); // of a NaN 88, put right at the end
    __m256 shifted = _mm256_add_ps(_mm256_mul_ps(most, ALL(1.44269504f)), ALL(0x1.8p23f)), k = _mm256_sub_ps(shifted, ALL(0x1.8p23f));
    __m256 r = _mm256_sub_ps(_mm256_sub_ps(most, _mm256_mul_ps(k, ALL(0.693359375f))), _mm256_mul_ps(k, ALL(-2.12194440e-4f)));
    const f32 factor[] = {1 / 720.0f, 1 / 120.0f, 1 / 24.0f, 1 / 6.0f, 1 / 2.0f, 1, 1};
    __m256 p = ALL(1 / 5040.0f);
    for (u32 i = 0; i < 7; i++) p = _mm256_add_ps(ALL(factor[i]), _mm256_mul_ps(r, p));
    __m256i two_k = _mm256_slli_epi32(_mm256_add_epi32(_mm256_castps_si256(shifted), _mm256_set1_epi32(0x7f - 0x4b400000)), 23);
    p = _mm256_andnot_ps(_mm256_cmp_ps(x, ALL(-87.0f), _CMP_LT_OQ), _mm256_mul_ps(p, _mm256_castsi256_ps(two_k)));
    return _mm256_blendv_ps(p, x, _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
}

static AVX2 void softmax(f32 *x, u32 n) {
    u32 i = 0;
    __m256 tops = ALL(x[0]), s = _mm256_setzero_ps(), t = s;
    for (; i + 8 <= n; i += 8) tops = _mm256_max_ps(_mm256_loadu_ps(x + i), tops);
    f32 lane[LANES], top = x[0];
    _mm256_storeu_ps(lane, tops);
    for (u32 j = 0; j < 8; j++) top = lane[j] > top ? lane[j] : top;
    for (; i < n; i++) top = x[i] > top ? x[i] : top;
    for (i = 0; i + LANES <= n; i += LANES) {
        __m256 a = exp8(_mm256_sub_ps(_mm256_loadu_ps(x + i), ALL(top))), b = exp8(_mm256_sub_ps(_mm256_loadu_ps(x + i + 8), ALL(top)));
        _mm256_storeu_ps(x + i, a), _mm256_storeu_ps(x + i + 8, b);
        s = _mm256_add_ps(s, a), t = _mm256_add_ps(t, b);
    }
    _mm256_storeu_ps(lane, s), _mm256_storeu_ps(lane + 8, t);
    for (u32 j = 0; i + j < n; j++) lane[j] += x[i + j] = exp_f32(x[i + j] - top);
    f32 total = add_lanes(_mm256_loadu_ps(lane), _mm256_loadu_ps(lane + 8));
    for (i = 0; i + 8 <= n; i += 8) _mm256_storeu_ps(x + i, _mm256_div_ps(_mm256_loadu_ps(x + i), ALL(total)));
    for (; i < n; i++) x[i] /= total;
}

static AVX2 void swiglu(f32 *gate, const f32 *up, u32 n) {
    u32 i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256 g = _mm256_loadu_ps(gate + i), e = exp8(_mm256_xor_ps(g, ALL(-0.0f)));
        _mm256_storeu_ps(gate + i, _mm256_mul_ps(_mm256_div_ps(g, _mm256_add_ps(ALL(1), e)), _mm256_loadu_ps(up + i)));
    }
    for (; i < n; i++) gate[i] = gate[i] / (1.0f + exp_f32(-gate[i])) * up[i];
}

static const engine avx2 = {"avx2", round_vector, q8_0_avx2, q4_0_avx2, dot, dot_f16, scores, mix, softmax, swiglu};
static const engine vnni = {"avx512vnni", round_vector, q8_0_vnni, q4_0_vnni, dot, dot_f16, scores, mix, softmax, swiglu};

u32 find_engines(const engine *found[ENGINES_MAX]) {
    u32 n = 0, a, b, c = 0, d;
    __cpuid(1, a, b, c, d);
    bool has_f16c = c >> 29 & 1;
    if (has_f16c && __builtin_cpu_supports("avx2")) {
        if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")) found[n++] = &vnni;
        found[n++] = &avx2;
    }
    found[n++] = &portable;
    return n;
}

#elif !defined(__aarch64__)
u32 find_engines(const engine *found[ENGINES_MAX]) { return found[0] = &portable, 1; }
#endif
