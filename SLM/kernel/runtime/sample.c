#include "sample.h"

#include "maths.h"

u32 likeliest(const f32 *logits, u32 n) {
    u32 best = 0;
    for (u32 i = 1; i < n; i++)
        if (logits[i] > logits[best]) best = i;
    return best;
}

// SplitMix64 (Steele, Lea, Flood 2014): uniform in [0, 1) with 53 bits.
static f64 uniform(u64 *state) {
    u64 z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (f64)((z ^ z >> 31) >> 11) * 0x1p-53;
}

// Restores the heap order (least likely on top, later id first among equals) from `i` down.
static void sift(u32 *order, const f32 *p, u32 i, u32 n) {
    #define WORSE(a, b) (p[a] < p[b] || (p[a] == p[b] && a > b))
    for (u32 child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && WORSE(order[child + 1], order[child])) child++;
        if (!WORSE(order[child], order[i])) return;
        u32 swap = order[i];
        order[i] = order[child], order[child] = swap;
    }
    #undef WORSE
}

// Heapsort: likeliest first.
static void sort(u32 *order, const f32 *p, u32 n) {
    for (u32 i = 0; i < n; i++) order[i] = i;
    for (u32 i = n / 2; i--;) sift(order, p, i, n);
    for (u32 left = n; left > 1;) {
        u32 worst = order[0];
        order[0] = order[--left], order[left] = worst;
        sift(order, p, 0, left);
    }
}

u32 draw(sampler *s, f32 *logits, u32 *order, u32 n) {
    u32 top = likeliest(logits, n);
    if (!(s->temperature > 0)) return top;
    f32 highest = logits[top];
    for (u32 i = 0; i < n; i++) logits[i] = (f32)slm_exp((logits[i] - highest) / s->temperature);
    sort(order, logits, n);
    u32 count = s->top_k && s->top_k < n ? s->top_k : n, used = 0;
    f64 sum = 0, kept = 0;
    for (u32 i = 0; i < count; i++) sum += logits[order[i]];
    while (used < count && (!used || kept < s->top_p * sum)) kept += logits[order[used++]];
    f64 left = uniform(&s->state) * kept;
    for (u32 i = 0; i + 1 < used; i++)
        if ((left -= logits[order[i]]) < 0) return order[i];
    return order[used - 1];
}
