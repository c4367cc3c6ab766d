#include "slm.h"

static int lay_out(slm *s, bytes file, pool *p, slm_error *e) {
    if (gguf_open(&s->file, file, e) || llama_open(&s->net, &s->file, p, e) || bpe_open(&s->words, &s->file, p, e)) return e->code;
    s->ids = pool_take(p, s->net.shape.context, sizeof *s->ids);
    s->seen = pool_take(p, s->net.shape.context, sizeof *s->seen);
    s->order = pool_take(p, s->net.shape.vocab, sizeof *s->order);
    return SLM_OK;
}

int slm_pool_bytes(bytes file, u64 *need, slm_error *e) {
    slm s = {0};
    pool counting = {0};
    if (lay_out(&s, file, &counting, e)) return e->code;
    *need = counting.used;
    return SLM_OK;
}

int slm_open(slm *s, bytes file, pool *p, slm_error *e) {
    u64 need;
    *s = (slm){0};
    if (slm_pool_bytes(file, &need, e)) return e->code;
    if (!p->base || need > p->size - p->used) return slm_fail(e, SLM_MEMORY, "memory short: the model needs a pool of %lu bytes, there are %lu", need, p->size - p->used);
    if (lay_out(s, file, p, e)) return e->code;
    s->user = bpe_find(&s->words, "<|user|>");
    s->assistant = bpe_find(&s->words, "<|assistant|>");
    if (gguf_u32(&s->file, "tokenizer.ggml.eos_token_id", &s->end, e)) return e->code;
    if (s->user == BPE_NONE || s->assistant == BPE_NONE || s->end >= s->net.shape.vocab)
        return slm_fail(e, SLM_FORMAT, "tokenizer has no <|user|>, no <|assistant|> or no end of text");
    return SLM_OK;
}

int slm_chat(slm *s, bytes text, u32 *n, slm_error *e) {
    u32 context = s->net.shape.context;
    if (context < 3) return slm_fail(e, SLM_TOO_LONG, "a context of %u tokens holds no question", context);
    if (bpe_encode(&s->words, text, s->ids + 1, context - 3, n, e)) return e->code; // one place stays free for an answer
    s->ids[0] = s->user;
    s->ids[*n + 1] = s->assistant;
    *n += 2;
    return SLM_OK;
}

int slm_read(slm *s, const u32 *ids, u32 n, slm_error *e) {
    llama_shape shape = s->net.shape;
    if (n < 1 || n > shape.context) return slm_fail(e, SLM_TOO_LONG, "prompt has %u tokens, the context holds 1 to %u", n, shape.context);
    for (u32 i = 0; i < n; i++)
        if (ids[i] >= shape.vocab) return slm_fail(e, SLM_FORMAT, "token %u is not below the vocabulary's %u", ids[i], shape.vocab);
    u32 same = 0;
    while (same + 1 < n && same < s->n_seen && s->seen[same] == ids[same]) same++;
    for (s->n_seen = same; s->n_seen < n;) {
        u32 count = n - s->n_seen < TILE ? n - s->n_seen : TILE;
        memmove(s->seen + s->n_seen, ids + s->n_seen, count * sizeof *ids);
        llama_forward(&s->net, ids + s->n_seen, count, s->n_seen, s->n_seen + count == n);
        s->n_seen += count;
    }
    return SLM_OK;
}

u32 slm_write(slm *s, u32 limit, u32 stop, sampler *choice, slm_say *say, void *listener) {
    llama_shape shape = s->net.shape;
    u32 count = 0;
    while (count < limit) {
        u32 id = draw(choice, s->net.logits, s->order, shape.vocab);
        if (id == stop) break;
        say(listener, id);
        if (++count == limit || s->n_seen == shape.context) break;
        s->seen[s->n_seen] = id;
        llama_forward(&s->net, &id, 1, s->n_seen++, true);
    }
    return count;
}
