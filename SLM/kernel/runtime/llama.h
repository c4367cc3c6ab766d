// The network of GGUF architectures `llama` and `smollm3`: RMSNorm, grouped-query attention with rotary positions (in smollm3
// every fourth layer has none), SwiGLU, tied head or not. Results do not depend on how positions are grouped or rows shared out.
#ifndef SLM_LLAMA_H
#define SLM_LLAMA_H

#include "gguf.h"
#include "matrix.h"

#ifndef SLM_CONTEXT_MAX
#define SLM_CONTEXT_MAX 4096 // tokens; a model that can read more gets a cache for this many
#endif

typedef struct {
    u32 dim, ffn, layers, heads, kv_heads, head_dim, kv_dim; // features, layers, heads
    u32 vocab, context;                                      // tokens
    u32 no_rope_every;                                       // layers; 0 = all of them have rotary positions
    f32 eps, theta, stretch;                                 // stretch divides all angles: linear scaling, else 1
} llama_shape;

typedef struct {
    const f32 *attn_norm, *ffn_norm; // [dim]
    matrix q, k, v, o;               // [dim, dim] [kv_dim, dim] [kv_dim, dim] [dim, dim]
    matrix gate, up, down;           // [ffn, dim] [ffn, dim] [dim, ffn]
} llama_layer;

typedef struct {
    llama_shape shape;
    u64 weights;              // numbers in all matrices
    matrix embed, head;       // [vocab, dim], the same one when tied
    const f32 *norm;          // [dim]
    llama_layer *layer;       // [layers]
    f32 *cos, *sin;           // [context, head_dim/2] of position times frequency
    f32 *keys, *values;       // [layers, context, kv_dim]
    f32 *x, *h, *q, *mix;     // [TILE, dim] residual stream, normed input, queries, attended values
    f32 *gate, *up;           // [TILE, ffn]
    vectors in;               // what the matrices at hand are multiplied with
    f32 *score;               // [heads, context] attention of one position
    f32 *logits;              // [vocab] of the last position that asked for them
} llama;

int llama_open(llama *m, const gguf *g, pool *p, slm_error *e); // with a counting pool it only counts

// Reads n tokens, 1 to TILE, at `position` and after, all before them having been read. The head is the dearest part and
// only run when asked, for the last of them.
void llama_forward(llama *m, const u32 *ids, u32 n, u32 position, bool want_logits);

#endif
