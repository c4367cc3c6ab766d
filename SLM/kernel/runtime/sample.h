// Choosing the next token: the likeliest, or drawn with temperature, top-k and top-p from a seeded generator.
#ifndef SLM_SAMPLE_H
#define SLM_SAMPLE_H

#include "base.h"

typedef struct {
    f32 temperature; // 0 = always the likeliest
    u32 top_k;       // draw from this many at most, 0 = no limit
    f32 top_p;       // of those, draw from the likeliest that together reach this share, 1 = no limit
    u64 state;       // of the generator; set it to the seed
} sampler;

u32 likeliest(const f32 *logits, u32 n); // the first of equal ones

// Unless greedy, overwrites logits[n] with unnormalised probabilities; order[n] is scratch.
u32 draw(sampler *s, f32 *logits, u32 *order, u32 n);

#endif
