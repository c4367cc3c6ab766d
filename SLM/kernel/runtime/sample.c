#include "sample.h"

#include "maths.h"

// Compares the bits: those of a negative number, inverted below the sign, are in order too.
u32 likeliest(const f32 *logits, u32 n) {
    i32 highest = INT32_MIN;
    u32 best = 0;
    for (u32 i = 0; i < n; i++) {
        i32 bits;
        __builtin_memcpy(&bits, &logits[i], sizeof bits);
        bits ^= bits >> 31 & INT32_MAX;
        if (bits > highest) highest = bits, best = i;
    }
    return best;
}

// SplitMix64 (Steele, Lea, Flood 2014): uniform in [0, 1) with 53 bits.
static f64 uniform(u64 *state) {
    u64 z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (f64)((z ^ z >> 31) >> 11) * 0x1p-53;
}

#define BETTER(a, b) (p[a] > p[b] || (p[a] == p[b] && a < b))

// Restores the heap order (likeliest on top, the earlier of equal ones) from `i` down.
static void sift(u32 *order, const f32 *p, u32 i, u32 n) {
    for (u32 child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && BETTER(order[child + 1], order[child])) child++;
        if (!BETTER(order[child], order[i])) return;
        u32 swap = order[i];
        order[i] = order[child], order[child] = swap;
    }
}

// Takes the likeliest of n off the heap and puts it at its end.
static u32 take(u32 *order, const f32 *p, u32 n) {
    u32 top = order[0];
    order[0] = order[n - 1], order[n - 1] = top;
    sift(order, p, 0, n - 1);
    return top;
}

// Only as many are sorted as may be drawn: the i-th likeliest is then order[n-1-i].
u32 draw(sampler *s, f32 *logits, u32 *order, u32 n) {
    u32 top = likeliest(logits, n), count = s->top_k && s->top_k < n ? s->top_k : n, taken = 0, used = 0;
    if (!(s->temperature > 0)) return top;
    f32 highest = logits[top];
    f64 sum = 0, kept = 0;
    for (u32 i = 0; i < n; i++) sum += logits[i] = exp_f32((logits[i] - highest) / s->temperature), order[i] = i;
    if (count == n && s->top_p >= 1) used = n, kept = sum; // all of them, in any order
    else for (u32 i = n / 2; i--;) sift(order, logits, i, n);
    if (count < n) // the share is one of those that top-k leaves
        for (sum = 0; taken < count; taken++) sum += logits[take(order, logits, n - taken)];
    while (used < count && (!used || kept < s->top_p * sum)) {
        if (used == taken) take(order, logits, n - taken++);
        kept += logits[order[n - 1 - used++]];
    }
    f64 left = uniform(&s->state) * kept;
    for (u32 i = 0; i + 1 < used; i++)
        if ((left -= logits[order[n - 1 - i]]) < 0) return order[n - 1 - i];
    return order[n - used];
}
