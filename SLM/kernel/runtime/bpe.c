#include "bpe.h"

#include "unicode.h"

// ---- pieces ----

typedef enum { NOTHING, SPACE, LETTER, NUMBER, OTHER } kind;

static bool in_runs(const code_run *runs, u32 n, u32 code) {
    u32 low = 0;
    while (n > 1) {
        u32 half = n / 2;
        if (runs[low + half].first <= code) low += half;
        n -= half;
    }
    return runs[low].first <= code && code <= runs[low].last;
}

static kind kind_of(u32 code) {
    if (in_runs(letter_runs, COUNT(letter_runs), code)) return LETTER;
    if (in_runs(number_runs, COUNT(number_runs), code)) return NUMBER;
    return in_runs(space_runs, COUNT(space_runs), code) ? SPACE : OTHER;
}

// Kind and length in bytes of the first character. A byte that is no valid UTF-8 counts as one character of kind OTHER.
static kind first_kind(bytes t, u64 *length) {
    *length = t.size ? 1 : 0;
    if (!t.size) return NOTHING;
    u8 head = t.at[0];
    if (head < 0x80) return kind_of(head);
    u32 more = head >= 0xf0 && head < 0xf5 ? 3 : head >= 0xe0 && head < 0xf0 ? 2 : head >= 0xc2 && head < 0xe0 ? 1 : 0;
    if (!more || t.size <= more) return OTHER;
    u32 code = head & (0x3fu >> more);
    for (u32 i = 1; i <= more; i++) {
        if ((t.at[i] & 0xc0) != 0x80) return OTHER;
        code = code << 6 | (t.at[i] & 0x3f);
    }
    bool overlong = more == 2 ? code < 0x800 : more == 3 && code < 0x10000, surrogate = code >= 0xd800 && code < 0xe000;
    if (overlong || surrogate || code > 0x10ffff) return OTHER;
    *length = more + 1;
    return kind_of(code);
}

static bytes after(bytes t, u64 n) { return (bytes){t.at + n, t.size - n}; }

// Bytes in the longest run of `k` at the start, and in the last character of it.
static u64 run_length(bytes t, kind k, u64 *last) {
    u64 n = 0, length;
    while (first_kind(after(t, n), &length) == k) n += *last = length;
    return n;
}

u64 bpe_piece(bytes t) {
    static const char *const endings[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    for (u32 i = 0; i < COUNT(endings); i++) {
        bytes ending = bytes_of(endings[i]);
        if (t.size >= ending.size && bytes_equal((bytes){t.at, ending.size}, ending)) return ending.size;
    }
    u64 length, last = 0, blank = t.at[0] == ' ';
    kind k = first_kind(after(t, blank), &length);
    if (k == LETTER || k == NUMBER || k == OTHER) return blank + run_length(after(t, blank), k, &last);
    u64 spaces = run_length(t, SPACE, &last);
    return spaces == t.size || spaces == last ? spaces : spaces - last; // the last space goes with what follows
}

// ---- alphabet: each byte has a printable stand-in, written in UTF-8 ----

static u32 stand_in(u32 byte) {
    if ((byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174) return byte;
    return byte <= 32 ? 256 + byte : byte <= 160 ? 256 + 33 + (byte - 127) : 323;
}

static u32 stand_in_utf8(u32 byte, u8 out[2]) {
    u32 code = stand_in(byte);
    if (code < 0x80) return out[0] = (u8)code, 1;
    return out[0] = (u8)(0xc0 | code >> 6), out[1] = (u8)(0x80 | (code & 0x3f)), 2;
}

u32 bpe_decode(const bpe *b, u32 id, u8 *out, u32 cap) {
    u32 n = 0;
    if (id >= b->n_tokens || b->token_type[4 * (u64)id] == 3) return 0;
    bytes t = b->token[id];
    for (u64 i = 0; i < t.size && n < cap; i++) {
        u32 code = t.at[i], byte = code;
        if (code >= 0xc2 && code <= 0xc5 && i + 1 < t.size) {
            code = (code & 0x1f) << 6 | (t.at[++i] & 0x3f);
            byte = code < 256 ? code : code < 289 ? code - 256 : code < 323 ? code - 289 + 127 : 173;
        }
        out[n++] = (u8)byte;
    }
    return n;
}

// ---- tables ----

static u32 find_text(const bpe *b, bytes left, bytes right) {
    u64 size = left.size + right.size;
    for (u64 h = fnv1a(fnv1a(FNV_START, left), right);; h++) {
        u32 id = b->slot[h & (b->n_slots - 1)];
        if (!id--) return BPE_NONE;
        bytes t = b->token[id];
        if (t.size == size && bytes_equal((bytes){t.at, left.size}, left) && bytes_equal(after(t, left.size), right)) return id;
    }
}

u32 bpe_find(const bpe *b, const char *text) { return find_text(b, bytes_of(text), bytes_of("")); }

static merge *find_pair(const bpe *b, u32 left, u32 right) {
    u64 h = ((u64)left << 32 | right) * 0x9e3779b97f4a7c15u;
    for (h ^= h >> 32;; h++) {
        merge *m = &b->merges[h & (b->n_slots - 1)];
        if (m->rank == BPE_NONE || (m->left == left && m->right == right)) return m;
    }
}

static int fill_tokens(bpe *b, bytes texts, slm_error *e) {
    for (u32 id = 0; id < b->n_tokens; id++) {
        u64 h = fnv1a(FNV_START, b->token[id] = gguf_next_string(&texts));
        while (b->slot[h & (b->n_slots - 1)]) h++;
        b->slot[h & (b->n_slots - 1)] = id + 1;
    }
    for (u32 byte = 0; byte < 256; byte++) {
        u8 text[2];
        b->byte_id[byte] = find_text(b, (bytes){text, stand_in_utf8(byte, text)}, bytes_of(""));
        if (b->byte_id[byte] == BPE_NONE) return slm_fail(e, SLM_FORMAT, "tokenizer has no token for byte 0x%02x", byte);
    }
    return SLM_OK;
}

static int fill_merges(bpe *b, bytes texts, slm_error *e) {
    for (u32 i = 0; i < b->n_slots; i++) b->merges[i].rank = BPE_NONE;
    for (u32 rank = 0; rank < b->n_merges; rank++) {
        bytes both = gguf_next_string(&texts), left = {both.at, 0};
        while (left.size < both.size && both.at[left.size] != ' ') left.size++;
        if (left.size == both.size) return slm_fail(e, SLM_FORMAT, "tokenizer merge %u has no space between its parts", rank);
        bytes right = after(both, left.size + 1);
        u32 l = find_text(b, left, bytes_of("")), r = find_text(b, right, bytes_of("")), id = find_text(b, left, right);
        if (l == BPE_NONE || r == BPE_NONE || id == BPE_NONE) return slm_fail(e, SLM_FORMAT, "tokenizer merge %u joins what are no tokens", rank);
        merge *m = find_pair(b, l, r);
        if (m->rank == BPE_NONE) *m = (merge){l, r, rank, id};
    }
    return SLM_OK;
}

int bpe_open(bpe *b, const gguf *g, pool *p, slm_error *e) {
    bytes model, split;
    gguf_value tokens, merges, types;
    if (gguf_string(g, "tokenizer.ggml.model", &model, e) || gguf_string(g, "tokenizer.ggml.pre", &split, e)) return e->code;
    if (!bytes_equal(model, bytes_of("gpt2")) || !bytes_equal(split, bytes_of("gpt-2")))
        return slm_fail(e, SLM_UNSUPPORTED, "tokenizer is %.*s with %.*s, this runtime has gpt2 with gpt-2", (int)(model.size & 31), model.at, (int)(split.size & 31), split.at);
    if (gguf_array(g, "tokenizer.ggml.tokens", GGUF_STRING, &tokens, e) || gguf_array(g, "tokenizer.ggml.merges", GGUF_STRING, &merges, e)
        || gguf_array(g, "tokenizer.ggml.token_type", GGUF_I32, &types, e)) return e->code;
    if (tokens.count > 1 << 20 || merges.count > 1 << 20 || types.count != tokens.count)
        return slm_fail(e, SLM_FORMAT, "tokenizer has %lu tokens, %lu types, %lu merges", tokens.count, types.count, merges.count);
    b->n_tokens = (u32)tokens.count, b->n_merges = (u32)merges.count, b->token_type = types.data.at;
    b->n_slots = 512;
    while (b->n_slots < 2 * b->n_tokens || b->n_slots < 2 * b->n_merges) b->n_slots *= 2;
    b->token = pool_take(p, b->n_tokens, sizeof *b->token);
    b->slot = pool_take(p, b->n_slots, sizeof *b->slot);
    b->merges = pool_take(p, b->n_slots, sizeof *b->merges);
    b->piece = pool_take(p, BPE_TEXT, sizeof *b->piece);
    b->rank = pool_take(p, BPE_TEXT, sizeof *b->rank);
    if (!b->rank) return SLM_OK;
    return fill_tokens(b, tokens.data, e) ? e->code : fill_merges(b, merges.data, e);
}

// ---- merging ----

static u32 rank_at(const bpe *b, u32 i, u32 n) { return i + 1 < n ? find_pair(b, b->piece[i], b->piece[i + 1])->rank : BPE_NONE; }

static u32 merge_piece(bpe *b, bytes piece) {
    u32 n = (u32)piece.size;
    for (u32 i = 0; i < n; i++) b->piece[i] = b->byte_id[piece.at[i]];
    for (u32 i = 0; i < n; i++) b->rank[i] = rank_at(b, i, n);
    for (;;) {
        u32 best = 0;
        for (u32 i = 1; i < n; i++)
            if (b->rank[i] < b->rank[best]) best = i;
        if (b->rank[best] == BPE_NONE) return n;
        b->piece[best] = find_pair(b, b->piece[best], b->piece[best + 1])->id;
        n--;
        for (u32 i = best + 1; i < n; i++) b->piece[i] = b->piece[i + 1], b->rank[i] = b->rank[i + 1];
        b->rank[best] = rank_at(b, best, n);
        if (best) b->rank[best - 1] = rank_at(b, best - 1, n);
    }
}

int bpe_encode(bpe *b, bytes text, u32 *ids, u32 cap, u32 *n, slm_error *e) {
    *n = 0;
    if (text.size > BPE_TEXT) return slm_fail(e, SLM_TOO_LONG, "text has %lu bytes, at most %u are taken", text.size, BPE_TEXT);
    while (text.size) {
        bytes piece = {text.at, bpe_piece(text)};
        u32 count = merge_piece(b, piece);
        if (count > cap - *n) return slm_fail(e, SLM_TOO_LONG, "text needs more than the %u tokens that fit", cap);
        for (u32 i = 0; i < count; i++) ids[(*n)++] = b->piece[i];
        text = after(text, piece.size);
    }
    return SLM_OK;
}
