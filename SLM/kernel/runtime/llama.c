#include "llama.h"

#include "maths.h"

// ---- opening ----

static int open_shape(llama_shape *s, const gguf *g, slm_error *e) {
    bytes architecture;
    gguf_value tokens, scaling;
    if (gguf_string(g, "general.architecture", &architecture, e)) return e->code;
    if (!bytes_equal(architecture, bytes_of("llama")))
        return slm_fail(e, SLM_UNSUPPORTED, "architecture is %.*s, this runtime has llama", (int)(architecture.size & 31), architecture.at);
    if (gguf_u32(g, "llama.embedding_length", &s->dim, e) || gguf_u32(g, "llama.feed_forward_length", &s->ffn, e)
        || gguf_u32(g, "llama.block_count", &s->layers, e) || gguf_u32(g, "llama.attention.head_count", &s->heads, e)
        || gguf_u32(g, "llama.attention.head_count_kv", &s->kv_heads, e) || gguf_u32(g, "llama.context_length", &s->context, e)
        || gguf_f32(g, "llama.attention.layer_norm_rms_epsilon", &s->eps, e) || gguf_f32(g, "llama.rope.freq_base", &s->theta, e)
        || gguf_array(g, "tokenizer.ggml.tokens", GGUF_STRING, &tokens, e)) return e->code;
    if (s->dim < 1 || s->dim > 1 << 16 || s->ffn < 1 || s->ffn > 1 << 18 || s->layers < 1 || s->layers > 1024 || s->context < 1 || tokens.count > 1 << 20)
        return slm_fail(e, SLM_FORMAT, "model of %u features, %u inner, %u layers, context %u is not plausible", s->dim, s->ffn, s->layers, s->context);
    if (s->heads < 1 || s->kv_heads < 1 || s->dim % s->heads || s->heads % s->kv_heads || s->dim / s->heads % 2)
        return slm_fail(e, SLM_FORMAT, "%u heads and %u key/value heads do not share %u features evenly", s->heads, s->kv_heads, s->dim);
    s->head_dim = s->dim / s->heads, s->kv_dim = s->head_dim * s->kv_heads, s->vocab = (u32)tokens.count;
    if (s->context > SLM_CONTEXT_MAX) s->context = SLM_CONTEXT_MAX;
    u32 rotated;
    if (gguf_find(g, "llama.rope.dimension_count", &scaling) && (gguf_u32(g, "llama.rope.dimension_count", &rotated, e) || rotated != s->head_dim))
        return slm_fail(e, SLM_UNSUPPORTED, "rope.dimension_count is not the head's width of %u", s->head_dim);
    if (!(s->theta >= 1) || !(s->theta < 1e12f) || !(s->eps > 0) || !(s->eps < 1)) return slm_fail(e, SLM_FORMAT, "rope.freq_base or layer_norm_rms_epsilon is out of range");
    if (gguf_find(g, "llama.rope.scaling.type", &scaling)) {
        bytes kind = gguf_next_string(&scaling.data);
        if (!bytes_equal(kind, bytes_of("none"))) return slm_fail(e, SLM_UNSUPPORTED, "rope scaling is set, this runtime has none");
    }
    return SLM_OK;
}

static int open_matrix(matrix *m, const gguf *g, const char *name, u32 rows, u32 cols, slm_error *e) {
    gguf_tensor t;
    if (!gguf_find_tensor(g, name, &t)) return slm_fail(e, SLM_FORMAT, "GGUF has no tensor %s", name);
    if (t.dims[0] != cols || t.dims[1] != rows || t.dims[2] != 1 || t.dims[3] != 1)
        return slm_fail(e, SLM_FORMAT, "tensor %s is %lu x %lu, %u x %u expected", name, t.dims[1], t.dims[0], rows, cols);
    if (t.type == TYPE_F32 && (uintptr_t)t.data.at % 4) return slm_fail(e, SLM_UNSUPPORTED, "tensor %s is not on a 4-byte boundary", name);
    *m = (matrix){t.data.at, rows, cols, t.type};
    return SLM_OK;
}

static int open_norm(const f32 **norm, const gguf *g, const char *name, u32 cols, slm_error *e) {
    matrix m;
    if (open_matrix(&m, g, name, 1, cols, e)) return e->code;
    if (m.type != TYPE_F32) return slm_fail(e, SLM_UNSUPPORTED, "tensor %s is %s, F32 expected", name, type_name(m.type));
    *norm = (const f32 *)(const void *)m.data;
    return SLM_OK;
}

static int open_layer(llama *m, u32 i, const gguf *g, slm_error *e) {
    llama_shape *s = &m->shape;
    llama_layer l;
    struct { const char *part; matrix *to; u32 rows, cols; } matrices[] = {
        {"attn_q", &l.q, s->dim, s->dim}, {"attn_k", &l.k, s->kv_dim, s->dim}, {"attn_v", &l.v, s->kv_dim, s->dim},
        {"attn_output", &l.o, s->dim, s->dim}, {"ffn_gate", &l.gate, s->ffn, s->dim}, {"ffn_up", &l.up, s->ffn, s->dim},
        {"ffn_down", &l.down, s->dim, s->ffn},
    };
    char name[64];
    for (u32 j = 0; j < COUNT(matrices); j++) {
        slm_format(name, sizeof name, "blk.%u.%s.weight", i, matrices[j].part);
        if (open_matrix(matrices[j].to, g, name, matrices[j].rows, matrices[j].cols, e)) return e->code;
        m->weights += (u64)matrices[j].rows * matrices[j].cols;
    }
    slm_format(name, sizeof name, "blk.%u.attn_norm.weight", i);
    if (open_norm(&l.attn_norm, g, name, s->dim, e)) return e->code;
    slm_format(name, sizeof name, "blk.%u.ffn_norm.weight", i);
    if (open_norm(&l.ffn_norm, g, name, s->dim, e)) return e->code;
    if (m->layer) m->layer[i] = l;
    return SLM_OK;
}

// Positions times frequencies theta^(-2i/head_dim), rounded to f32 where PyTorch rounds.
static void fill_rotations(llama *m) {
    u32 half = m->shape.head_dim / 2;
    for (u32 i = 0; i < half; i++) {
        f32 power = (f32)slm_pow(m->shape.theta, (f64)(2 * i) / m->shape.head_dim), frequency = 1.0f / power;
        for (u32 t = 0; t < m->shape.context; t++) {
            f32 angle = (f32)t * frequency;
            m->cos[(u64)t * half + i] = (f32)slm_cos(angle);
            m->sin[(u64)t * half + i] = (f32)slm_sin(angle);
        }
    }
}

int llama_open(llama *m, const gguf *g, pool *p, slm_error *e) {
    if (open_shape(&m->shape, g, e)) return e->code;
    llama_shape s = m->shape;
    gguf_tensor t;
    bool untied = gguf_find_tensor(g, "output.weight", &t);
    if (g->n_tensors != 2 + (u64)untied + 9 * (u64)s.layers)
        return slm_fail(e, SLM_UNSUPPORTED, "%lu tensors in the file, a llama of %u layers has %u", g->n_tensors, s.layers, 2 + untied + 9 * s.layers);
    m->layer = pool_take(p, s.layers, sizeof *m->layer);
    m->weights = (u64)s.vocab * s.dim * (untied ? 2 : 1);
    if (open_matrix(&m->embed, g, "token_embd.weight", s.vocab, s.dim, e) || open_norm(&m->norm, g, "output_norm.weight", s.dim, e)) return e->code;
    m->head = m->embed;
    if (untied && open_matrix(&m->head, g, "output.weight", s.vocab, s.dim, e)) return e->code;
    for (u32 i = 0; i < s.layers; i++)
        if (open_layer(m, i, g, e)) return e->code;
    struct { f32 **to; u64 count; } buffers[] = {
        {&m->cos, (u64)s.context * s.head_dim / 2}, {&m->sin, (u64)s.context * s.head_dim / 2},
        {&m->keys, (u64)s.layers * s.context * s.kv_dim}, {&m->values, (u64)s.layers * s.context * s.kv_dim},
        {&m->x, s.dim}, {&m->h, s.dim}, {&m->q, s.dim}, {&m->mix, s.dim}, {&m->gate, s.ffn}, {&m->up, s.ffn},
        {&m->score, s.context}, {&m->logits, s.vocab},
    };
    bool placed = fixed_place(&m->fixed, s.ffn > s.dim ? s.ffn : s.dim, p);
    for (u32 i = 0; i < COUNT(buffers); i++)
        placed = (*buffers[i].to = pool_take(p, buffers[i].count, sizeof(f32))) && placed;
    if (placed) fill_rotations(m);
    return SLM_OK;
}

// ---- one token ----

// y = x / rms(x) * weight
static void rms_norm(f32 *y, const f32 *x, const f32 *weight, u32 n, f32 eps) {
    f32 scale = 1.0f / slm_sqrt(dot(x, x, n) / (f32)n + eps);
    for (u32 i = 0; i < n; i++) y[i] = weight[i] * (x[i] * scale);
}

// Turns each pair (x[2i], x[2i+1]) by its angle: GGUF's llama keeps the rows of q and k in this order.
static void rotate(f32 *x, u32 heads, u32 head_dim, const f32 *cos, const f32 *sin) {
    for (u32 h = 0; h < heads; h++, x += head_dim)
        for (u32 i = 0; i < head_dim / 2; i++) {
            f32 a = x[2 * i], b = x[2 * i + 1];
            x[2 * i] = a * cos[i] - b * sin[i];
            x[2 * i + 1] = a * sin[i] + b * cos[i];
        }
}

static void softmax(f32 *x, u32 n) {
    f32 top = x[0], sum = 0;
    for (u32 i = 1; i < n; i++) top = x[i] > top ? x[i] : top;
    for (u32 i = 0; i < n; i++) sum += x[i] = (f32)slm_exp(x[i] - top);
    for (u32 i = 0; i < n; i++) x[i] /= sum;
}

// mix[dim] = for each head, values of positions 0..position weighted by softmax(q k / sqrt(head_dim))
static void attend(llama *m, u32 layer, u32 position) {
    llama_shape s = m->shape;
    u64 start = (u64)layer * s.context * s.kv_dim;
    f32 scale = 1.0f / slm_sqrt((f32)s.head_dim);
    for (u32 h = 0; h < s.heads; h++) {
        u64 group = start + (u64)(h / (s.heads / s.kv_heads)) * s.head_dim;
        const f32 *q = m->q + (u64)h * s.head_dim, *k = m->keys + group, *v = m->values + group;
        f32 *mix = m->mix + (u64)h * s.head_dim;
        for (u32 t = 0; t <= position; t++, k += s.kv_dim) m->score[t] = dot(q, k, s.head_dim) * scale;
        softmax(m->score, position + 1);
        memset(mix, 0, s.head_dim * sizeof *mix);
        for (u32 t = 0; t <= position; t++, v += s.kv_dim)
            for (u32 i = 0; i < s.head_dim; i++) mix[i] += m->score[t] * v[i];
    }
}

static void add(f32 *x, const f32 *y, u32 n) {
    for (u32 i = 0; i < n; i++) x[i] += y[i];
}

void llama_forward(llama *m, u32 token, u32 position, bool want_logits) {
    llama_shape s = m->shape;
    const f32 *cos = m->cos + (u64)position * s.head_dim / 2, *sin = m->sin + (u64)position * s.head_dim / 2;
    matrix_row(m->x, m->embed, token);
    for (u32 i = 0; i < s.layers; i++) {
        const llama_layer *l = &m->layer[i];
        u64 here = ((u64)i * s.context + position) * s.kv_dim;
        rms_norm(m->h, m->x, l->attn_norm, s.dim, s.eps);
        matvec(m->q, l->q, m->h, &m->fixed);
        matvec(m->keys + here, l->k, m->h, &m->fixed);
        matvec(m->values + here, l->v, m->h, &m->fixed);
        rotate(m->q, s.heads, s.head_dim, cos, sin);
        rotate(m->keys + here, s.kv_heads, s.head_dim, cos, sin);
        attend(m, i, position);
        matvec(m->h, l->o, m->mix, &m->fixed);
        add(m->x, m->h, s.dim);

        rms_norm(m->h, m->x, l->ffn_norm, s.dim, s.eps);
        matvec(m->gate, l->gate, m->h, &m->fixed);
        matvec(m->up, l->up, m->h, &m->fixed);
        for (u32 j = 0; j < s.ffn; j++) m->gate[j] = m->gate[j] / (1.0f + (f32)slm_exp(-m->gate[j])) * m->up[j];
        matvec(m->h, l->down, m->gate, &m->fixed);
        add(m->x, m->h, s.dim);
    }
    if (!want_logits) return;
    rms_norm(m->h, m->x, m->norm, s.dim, s.eps);
    matvec(m->logits, m->head, m->h, &m->fixed);
}
