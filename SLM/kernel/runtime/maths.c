#include "maths.h"

typedef union {
    f64 value;
    u64 bits;
} f64_bits;

static const f64 LN2_HIGH = 6.93147180369123816490e-01, LN2_LOW = 1.90821492927058770002e-10;

// x = k ln2 + r with |r| <= ln2/2; then 2^k by its exponent bits times the Taylor series of exp(r).
f64 slm_exp(f64 x) {
    if (x != x) return x;
    if (x < -708) return 0;
    if (x > 709) return __builtin_inf();
    f64 scaled = x * 1.44269504088896340736;
    i64 k = (i64)(scaled + (scaled < 0 ? -0.5 : 0.5));
    f64 r = (x - (f64)k * LN2_HIGH) - (f64)k * LN2_LOW, sum = 1;
    for (int n = 11; n; n--) sum = 1 + sum * r / n;
    f64_bits two_k = {.bits = (u64)(k + 1023) << 52};
    return sum * two_k.value;
}

// x = m 2^k with m in [sqrt(1/2), sqrt(2)); log m = 2 atanh(s), s = (m-1)/(m+1), |s| < 0.172.
f64 slm_log(f64 x) {
    f64_bits b = {.value = x};
    i64 k = (i64)(b.bits >> 52 & 0x7ff) - 1023;
    b.bits = (b.bits & 0x000fffffffffffffu) | 0x3ff0000000000000u;
    if (b.value > 1.41421356237309504880) b.value *= 0.5, k++;
    f64 s = (b.value - 1) / (b.value + 1), sum = 0;
    for (int n = 15; n > 0; n -= 2) sum = 1.0 / n + sum * s * s;
    return (f64)k * LN2_HIGH + (2 * s * sum + (f64)k * LN2_LOW);
}

f64 slm_pow(f64 base, f64 power) { return slm_exp(power * slm_log(base)); }

// x = quarter pi/2 + r with |r| <= pi/4, pi/2 in three parts so that large angles keep their digits.
static f64 turn(f64 x, u32 shift) {
    f64 scaled = x * 0.63661977236758134308;
    i64 quarter = (i64)(scaled + (scaled < 0 ? -0.5 : 0.5));
    f64 q = (f64)quarter;
    f64 r = ((x - q * 1.57079632673412561417) - q * 6.07710050630396597660e-11) - q * 2.02226624879595063154e-21;
    bool is_cos = (quarter + shift) & 1, negative = (quarter + shift) & 2;
    f64 term = is_cos ? 1 : r, sum = term;
    for (int n = is_cos ? 1 : 2; n < 16; n += 2) term *= -r * r / (n * (n + 1)), sum += term;
    return negative ? -sum : sum;
}

f64 slm_sin(f64 radians) { return turn(radians, 0); }
f64 slm_cos(f64 radians) { return turn(radians, 1); }
