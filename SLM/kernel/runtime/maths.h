// exp, log, sin, cos, pow, sqrt without a C library: the same bits on every machine with IEEE doubles.
// Relative error below 1e-9 (tests compare with libm), so a result rounded to f32 is off by one ulp at most.
#ifndef SLM_MATHS_H
#define SLM_MATHS_H

#include "base.h"

f64 slm_exp(f64 x);               // 0 below -708, infinity above 709
f64 slm_log(f64 x);               // x positive and normal
f64 slm_pow(f64 base, f64 power); // base positive and normal
f64 slm_sin(f64 radians);         // |radians| < 1e6, absolute error below 1e-9
f64 slm_cos(f64 radians);         // likewise

// e^x as the network needs it, in f32 alone and without a branch but the ends: relative error below 2e-7, 0 below -87, e^88 above 88.
// x = k ln2 + r with |r| <= ln2/2, the nearest k by adding 1.5 * 2^23; then the Taylor series of e^r, and k into the exponent.
static inline f32 exp_f32(f32 x) {
    if (x != x) return x;
    if (x < -87.0f) return 0;
    x = x > 88.0f ? 88.0f : x;
    f32 shifted = x * 1.44269504f + 0x1.8p23f, k = shifted - 0x1.8p23f, two_k;
    f32 r = (x - k * 0.693359375f) - k * -2.12194440e-4f;
    f32 p = 1 + r * (1 + r * (1 / 2.0f + r * (1 / 6.0f + r * (1 / 24.0f + r * (1 / 120.0f + r * (1 / 720.0f + r * (1 / 5040.0f)))))));
    u32 bits;
    __builtin_memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + (0x7f - 0x4b400000u)) << 23;
    __builtin_memcpy(&two_k, &bits, sizeof two_k);
    return p * two_k;
}

static inline f32 slm_sqrt(f32 x) { return __builtin_sqrtf(x); } // one instruction, correctly rounded

#endif
