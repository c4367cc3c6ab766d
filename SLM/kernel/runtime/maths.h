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
static inline f32 slm_sqrt(f32 x) { return __builtin_sqrtf(x); } // one instruction, correctly rounded

#endif
