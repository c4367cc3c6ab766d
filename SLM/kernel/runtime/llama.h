// The network of GGUF architecture `llama`: RMSNorm, grouped-query attention with rotary positions, SwiGLU, tied head or not.
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
    f32 eps, theta;
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
    f32 *x, *h, *q, *mix;     // [dim] residual stream, normed input, queries, attended values
    f32 *gate, *up;           // [ffn]
    fixed_vector fixed;       // scratch for the widest matrix
    f32 *score;               // [context] attention of one head
    f32 *logits;              // [vocab] of the last position that asked for them
} llama;

int llama_open(llama *m, const gguf *g, pool *p, slm_error *e); // with a counting pool it only counts

// Reads one token at `position`, all before it having been read. The head is the dearest part and only run when asked.
void llama_forward(llama *m, u32 token, u32 position, bool want_logits);

#endif
