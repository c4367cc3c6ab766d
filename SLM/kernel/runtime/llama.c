#include "llama.h"

#include "maths.h"

// ---- opening ----

// Reads `architecture.name`: a count, or an f32.
static int read_u32(const gguf *g, bytes architecture, const char *name, u32 *out, slm_error *e) {
    char key[96];
    slm_format(key, sizeof key, "%.*s.%s", (int)architecture.size, (const char *)architecture.at, name);
    return gguf_u32(g, key, out, e);
}

static int read_f32(const gguf *g, bytes architecture, const char *name, f32 *out, slm_error *e) {
    char key[96];
    slm_format(key, sizeof key, "%.*s.%s", (int)architecture.size, (const char *)architecture.at, name);
    return gguf_f32(g, key, out, e);
}

static bool has_key(const gguf *g, bytes architecture, const char *name, gguf_value *v) {
    char key[96];
    slm_format(key, sizeof key, "%.*s.%s", (int)architecture.size, (const char *)architecture.at, name);
    return gguf_find(g, key, v);
}

static int open_rotation(llama_shape *s, const gguf *g, bytes architecture, slm_error *e) {
    gguf_value v;
    u32 rotated;
    if (has_key(g, architecture, "rope.dimension_count", &v) && (read_u32(g, architecture, "rope.dimension_count", &rotated, e) || rotated != s->head_dim))
        return slm_fail(e, SLM_UNSUPPORTED, "rope.dimension_count is not the head's width of %u", s->head_dim);
    s->stretch = 1;
    if (has_key(g, architecture, "rope.scaling.type", &v)) {
        if (v.type != GGUF_STRING || v.array) return slm_fail(e, SLM_FORMAT, "rope.scaling.type has type %u, a string expected", v.type);
        bytes kind = gguf_next_string(&v.data);
        if (bytes_equal(kind, bytes_of("linear"))) { if (read_f32(g, architecture, "rope.scaling.factor", &s->stretch, e)) return e->code; }
        else if (!bytes_equal(kind, bytes_of("none"))) return slm_fail(e, SLM_UNSUPPORTED, "rope scaling is %.*s, this runtime has linear", (int)(kind.size & 31), kind.at);
    }
    if (!(s->theta >= 1) || !(s->theta < 1e12f) || !(s->eps > 0) || !(s->eps < 1) || !(s->stretch >= 1) || !(s->stretch < 1e6f))
        return slm_fail(e, SLM_FORMAT, "rope.freq_base, rope.scaling.factor or layer_norm_rms_epsilon is out of range");
    return SLM_OK;
}

static int open_shape(llama_shape *s, const gguf *g, slm_error *e) {
    bytes a;
    gguf_value tokens;
    if (gguf_string(g, "general.architecture", &a, e)) return e->code;
    bool smollm3 = bytes_equal(a, bytes_of("smollm3"));
    if (!smollm3 && !bytes_equal(a, bytes_of("llama")))
        return slm_fail(e, SLM_UNSUPPORTED, "architecture is %.*s, this runtime has llama and smollm3", (int)(a.size & 31), a.at);
    s->no_rope_every = smollm3 ? 4 : 0; // fixed in llama.cpp, no key says it
    if (read_u32(g, a, "embedding_length", &s->dim, e) || read_u32(g, a, "feed_forward_length", &s->ffn, e)
        || read_u32(g, a, "block_count", &s->layers, e) || read_u32(g, a, "attention.head_count", &s->heads, e)
        || read_u32(g, a, "attention.head_count_kv", &s->kv_heads, e) || read_u32(g, a, "context_length", &s->context, e)
        || read_f32(g, a, "attention.layer_norm_rms_epsilon", &s->eps, e) || read_f32(g, a, "rope.freq_base", &s->theta, e)
        || gguf_array(g, "tokenizer.ggml.tokens", GGUF_STRING, &tokens, e)) return e->code;
    if (s->dim < 1 || s->dim > 1 << 16 || s->ffn < 1 || s->ffn > 1 << 18 || s->layers < 1 || s->layers > 1024 || s->context < 1 || tokens.count < 1 || tokens.count > 1 << 20)
        return slm_fail(e, SLM_FORMAT, "model of %u features, %u inner, %u layers, context %u is not plausible", s->dim, s->ffn, s->layers, s->context);
    if (s->heads < 1 || s->kv_heads < 1 || s->dim % s->heads || s->heads % s->kv_heads || s->dim / s->heads % 2)
        return slm_fail(e, SLM_FORMAT, "%u heads and %u key/value heads do not share %u features evenly", s->heads, s->kv_heads, s->dim);
    s->head_dim = s->dim / s->heads, s->kv_dim = s->head_dim * s->kv_heads, s->vocab = (u32)tokens.count;
    if (s->context > SLM_CONTEXT_MAX) s->context = SLM_CONTEXT_MAX;
    return open_rotation(s, g, a, e);
}

static int open_matrix(matrix *m, const gguf *g, const char *name, u32 rows, u32 cols, slm_error *e) {
    gguf_tensor t;
    if (!gguf_find_tensor(g, name, &t)) return slm_fail(e, SLM_FORMAT, "GGUF has no tensor %s", name);
    if (t.dims[0] != cols || t.dims[1] != rows || t.dims[2] != 1 || t.dims[3] != 1)
        return slm_fail(e, SLM_FORMAT, "tensor %s is %lu x %lu, %u x %u expected", name, t.dims[1], t.dims[0], rows, cols);
    if ((uintptr_t)t.data.at % 4) return slm_fail(e, SLM_UNSUPPORTED, "tensor %s is not on a 4-byte boundary", name);
    *m = (matrix){t.data.at, rows, cols, t.type};
    return SLM_OK;
}

// Reads every block's scale, so only once there is a place for the layers.
static int check_matrix(const matrix *m, const char *name, slm_error *e) {
    return matrix_sound(m) ? SLM_OK : slm_fail(e, SLM_UNSUPPORTED, "tensor %s has a block whose scale is 64 or more, or no number", name);
}

static int open_norm(const f32 **norm, const gguf *g, const char *name, u32 cols, slm_error *e) {
    matrix m = {0};
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
        if (m->layer && check_matrix(matrices[j].to, name, e)) return e->code;
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
        f32 power = (f32)slm_pow(m->shape.theta, (f64)(2 * i) / m->shape.head_dim), frequency = 1.0f / power / m->shape.stretch;
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
        return slm_fail(e, SLM_UNSUPPORTED, "%lu tensors in the file, a model of %u layers has %u", g->n_tensors, s.layers, 2 + untied + 9 * s.layers);
    m->layer = pool_take(p, s.layers, sizeof *m->layer);
    m->weights = (u64)s.vocab * s.dim * (untied ? 2 : 1);
    if (open_matrix(&m->embed, g, "token_embd.weight", s.vocab, s.dim, e) || open_norm(&m->norm, g, "output_norm.weight", s.dim, e)) return e->code;
    m->head = m->embed;
    if (untied && open_matrix(&m->head, g, "output.weight", s.vocab, s.dim, e)) return e->code;
    if (m->layer && (check_matrix(&m->embed, "token_embd.weight", e) || check_matrix(&m->head, "output.weight", e))) return e->code;
    for (u32 i = 0; i < s.layers; i++)
        if (open_layer(m, i, g, e)) return e->code;
    struct { f32 **to; u64 count; } buffers[] = {
        {&m->cos, (u64)s.context * s.head_dim / 2}, {&m->sin, (u64)s.context * s.head_dim / 2},
        {&m->keys, (u64)s.layers * s.context * s.kv_dim}, {&m->values, (u64)s.layers * s.context * s.kv_dim},
        {&m->x, TILE * (u64)s.dim}, {&m->h, TILE * (u64)s.dim}, {&m->q, TILE * (u64)s.dim}, {&m->mix, TILE * (u64)s.dim},
        {&m->gate, TILE * (u64)s.ffn}, {&m->up, TILE * (u64)s.ffn}, {&m->score, (u64)s.heads * s.context}, {&m->logits, s.vocab},
    };
    bool placed = vectors_place(&m->in, s.ffn > s.dim ? s.ffn : s.dim, p);
    for (u32 i = 0; i < COUNT(buffers); i++)
        placed = (*buffers[i].to = pool_take(p, buffers[i].count, sizeof(f32))) && placed;
    if (placed) fill_rotations(m);
    return SLM_OK;
}

// ---- up to TILE positions ----

// What the jobs below work on: one layer, `n` positions from `position` on.
typedef struct {
    llama *m;
    const llama_layer *l;
    u32 index, position, n;
} step;

// Part of `all` that falls to one of `parts`, in whole groups.
static void share(u32 all, u32 group, u32 part, u32 parts, u32 *first, u32 *last) {
    u64 groups = (all + group - 1) / group;
    u64 from = groups * part / parts * group, to = groups * (part + 1) / parts * group;
    *first = from < all ? (u32)from : all, *last = to < all ? (u32)to : all;
}

static void multiply_share(f32 *y, u64 stride, const matrix *m, const vectors *v, u32 part, u32 parts) {
    u32 first, last;
    share(m->rows, TILE, part, parts, &first, &last);
    multiply(y, stride, m, first, last, v);
}

// y = x / rms(x) * weight, for each of n positions
static void rms_norm(f32 *y, const f32 *x, const f32 *weight, u32 n, u32 dim, f32 eps) {
    for (; n--; x += dim, y += dim) {
        f32 scale = 1.0f / slm_sqrt(slm_engine->dot(x, x, dim) / (f32)dim + eps);
        for (u32 i = 0; i < dim; i++) y[i] = weight[i] * (x[i] * scale);
    }
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

static f32 *cached(f32 *cache, const step *s, u32 position) {
    const llama_shape *shape = &s->m->shape;
    return cache + ((u64)s->index * shape->context + position) * shape->kv_dim;
}

static void project(void *work, u32 part, u32 parts) {
    step *s = work;
    llama *m = s->m;
    multiply_share(m->q, m->shape.dim, &s->l->q, &m->in, part, parts);
    multiply_share(cached(m->keys, s, s->position), m->shape.kv_dim, &s->l->k, &m->in, part, parts);
    multiply_share(cached(m->values, s, s->position), m->shape.kv_dim, &s->l->v, &m->in, part, parts);
}

static void turn_all(step *s) {
    llama_shape shape = s->m->shape;
    for (u32 t = 0; t < s->n; t++) {
        u64 at = (u64)(s->position + t) * shape.head_dim / 2;
        rotate(s->m->q + (u64)t * shape.dim, shape.heads, shape.head_dim, s->m->cos + at, s->m->sin + at);
        rotate(cached(s->m->keys, s, s->position + t), shape.kv_heads, shape.head_dim, s->m->cos + at, s->m->sin + at);
    }
}

// mix[dim] = for each head, values of the positions up to its own weighted by softmax(q k / sqrt(head_dim))
static void attend(void *work, u32 part, u32 parts) {
    step *s = work;
    llama *m = s->m;
    llama_shape shape = m->shape;
    const engine *e = slm_engine;
    u32 first, last;
    share(shape.heads, 1, part, parts, &first, &last);
    f32 scale = 1.0f / slm_sqrt((f32)shape.head_dim);
    for (u32 h = first; h < last; h++)
        for (u32 t = 0; t < s->n; t++) {
            u64 group = (u64)(h / (shape.heads / shape.kv_heads)) * shape.head_dim, mine = (u64)t * shape.dim + (u64)h * shape.head_dim;
            const f32 *q = m->q + mine, *k = cached(m->keys, s, 0) + group, *v = cached(m->values, s, 0) + group;
            f32 *score = m->score + (u64)h * shape.context;
            u32 count = s->position + t + 1;
            e->scores(score, q, k, shape.kv_dim, count, shape.head_dim, scale);
            e->softmax(score, count);
            e->mix(m->mix + mine, score, v, shape.kv_dim, count, shape.head_dim);
        }
}

static void project_back(void *work, u32 part, u32 parts) {
    step *s = work;
    multiply_share(s->m->h, s->m->shape.dim, &s->l->o, &s->m->in, part, parts);
}

static void widen(void *work, u32 part, u32 parts) {
    step *s = work;
    llama *m = s->m;
    u32 ffn = m->shape.ffn, first, last;
    share(ffn, TILE, part, parts, &first, &last);
    multiply(m->gate, ffn, &s->l->gate, first, last, &m->in);
    multiply(m->up, ffn, &s->l->up, first, last, &m->in);
    for (u32 t = 0; t < s->n; t++) slm_engine->swiglu(m->gate + (u64)t * ffn + first, m->up + (u64)t * ffn + first, last - first);
}

static void narrow(void *work, u32 part, u32 parts) {
    step *s = work;
    multiply_share(s->m->h, s->m->shape.dim, &s->l->down, &s->m->in, part, parts);
}

static void predict(void *work, u32 part, u32 parts) {
    step *s = work;
    multiply_share(s->m->logits, s->m->shape.vocab, &s->m->head, &s->m->in, part, parts);
}

static void add(f32 *x, const f32 *y, u64 n) {
    for (u64 i = 0; i < n; i++) x[i] += y[i];
}

// The vectors that a job multiplies with, rounded before it begins because its parts share them.
static void bring(step *s, const f32 *x, u32 cols, const matrix *first, const matrix *second, const matrix *third) {
    vectors_set(&s->m->in, x, s->n, cols);
    vectors_ready(&s->m->in, first), vectors_ready(&s->m->in, second), vectors_ready(&s->m->in, third);
}

static void run_layer(step *s) {
    llama *m = s->m;
    llama_shape shape = m->shape;
    const llama_layer *l = s->l;
    rms_norm(m->h, m->x, l->attn_norm, s->n, shape.dim, shape.eps);
    bring(s, m->h, shape.dim, &l->q, &l->k, &l->v);
    slm_parallel(project, s);
    if (!shape.no_rope_every || (s->index + 1) % shape.no_rope_every) turn_all(s);
    slm_parallel(attend, s);
    bring(s, m->mix, shape.dim, &l->o, &l->o, &l->o);
    slm_parallel(project_back, s);
    add(m->x, m->h, (u64)s->n * shape.dim);

    rms_norm(m->h, m->x, l->ffn_norm, s->n, shape.dim, shape.eps);
    bring(s, m->h, shape.dim, &l->gate, &l->up, &l->up);
    slm_parallel(widen, s);
    bring(s, m->gate, shape.ffn, &l->down, &l->down, &l->down);
    slm_parallel(narrow, s);
    add(m->x, m->h, (u64)s->n * shape.dim);
}

void llama_forward(llama *m, const u32 *ids, u32 n, u32 position, bool want_logits) {
    llama_shape shape = m->shape;
    step s = {m, m->layer, 0, position, n};
    for (u32 t = 0; t < n; t++) matrix_row(m->x + (u64)t * shape.dim, &m->embed, ids[t]);
    for (; s.index < shape.layers; s.index++, s.l++) run_layer(&s);
    if (!want_logits) return;
    s.n = 1;
    rms_norm(m->h, m->x + (u64)(n - 1) * shape.dim, m->norm, 1, shape.dim, shape.eps);
    bring(&s, m->h, shape.dim, &m->head, &m->head, &m->head);
    slm_parallel(predict, &s);
}
