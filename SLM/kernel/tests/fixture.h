// A small random model as a GGUF file in memory, so that the tests need nothing from outside.
#include <stdlib.h>
#include <string.h>

#include "../runtime/slm.h"

typedef struct {
    u8 *at; // 64-byte aligned
    u64 size, header, cap; // bytes; the header ends where the tensors' data begins
} file;

static u64 dice = 1;

static u32 roll(void) {
    dice ^= dice << 13, dice ^= dice >> 7, dice ^= dice << 17;
    return (u32)(dice >> 32);
}

static void add_bytes(file *f, const void *data, u64 n) {
    if (f->size + n > f->cap) abort();
    memcpy(f->at + f->size, data, n);
    f->size += n;
}

static void add_number(file *f, u64 value, u32 n_bytes) { add_bytes(f, &value, n_bytes); }
static void add_text(file *f, const char *text) { add_number(f, strlen(text), 8), add_bytes(f, text, strlen(text)); }
static void add_key(file *f, const char *key, u32 type) { add_text(f, key), add_number(f, type, 4); }
static void add_u32(file *f, const char *key, u32 value) { add_key(f, key, GGUF_U32), add_number(f, value, 4); }
static void add_f32(file *f, const char *key, f32 value) { add_key(f, key, GGUF_F32), add_bytes(f, &value, 4); }
static void add_string(file *f, const char *key, const char *value) { add_key(f, key, GGUF_STRING), add_text(f, value); }
static void add_array(file *f, const char *key, u32 type, u64 n) { add_key(f, key, GGUF_ARRAY), add_number(f, type, 4), add_number(f, n, 8); }

enum { DIM = 64, FFN = 96, LAYERS = 4, HEADS = 4, KV_HEADS = 2, CONTEXT = 48 };
static const char *const specials[] = {"<|endoftext|>", "<|pad|>", "<|unk|>", "<|system|>", "<|user|>", "<|assistant|>"};
static const char *const merges[] = {"l l", "h e", "he ll", "hell o", "\xc4\xa0 w", "o r", "\xc4\xa0w or", "l d", "\xc4\xa0wor ld", "a a", "aa aa"};
enum { VOCAB = COUNT(specials) + 256 + COUNT(merges) };

static void add_tokenizer(file *f) {
    add_string(f, "tokenizer.ggml.model", "gpt2");
    add_string(f, "tokenizer.ggml.pre", "gpt-2");
    add_array(f, "tokenizer.ggml.tokens", GGUF_STRING, VOCAB);
    for (u32 i = 0; i < COUNT(specials); i++) add_text(f, specials[i]);
    for (u32 byte = 0, other = 256; byte < 256; byte++) { // the alphabet as GPT-2 defines it, written apart from bpe.c
        bool shown = (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
        u32 code = shown ? byte : other++;
        char text[3] = {(char)code};
        if (code >= 0x80) text[0] = (char)(0xc0 | code >> 6), text[1] = (char)(0x80 | (code & 0x3f));
        add_text(f, text);
    }
    for (u32 i = 0; i < COUNT(merges); i++) {
        char joined[32];
        const char *space = strchr(merges[i], ' ');
        snprintf(joined, sizeof joined, "%.*s%s", (int)(space - merges[i]), merges[i], space + 1);
        add_text(f, joined);
    }
    add_array(f, "tokenizer.ggml.token_type", GGUF_I32, VOCAB);
    for (u32 i = 0; i < VOCAB; i++) add_number(f, i < COUNT(specials) ? 3 : 1, 4);
    add_array(f, "tokenizer.ggml.merges", GGUF_STRING, COUNT(merges));
    for (u32 i = 0; i < COUNT(merges); i++) add_text(f, merges[i]);
    add_u32(f, "tokenizer.ggml.eos_token_id", 0);
}

// Fills rows of weights of a type with small random values.
static void random_rows(u8 *to, u64 size, u32 type) {
    for (u64 i = 0; i < size; i++) to[i] = (u8)roll();
    u32 unit = type_bytes(type);
    for (u64 i = 0; i < size; i += unit) {
        f32 value = (f32)(roll() % 2001) / 10000.0f - 0.1f;
        u16 half = (u16)(0x2800 | (roll() & 0x83ff)); // 0.03 to 0.06 with a sign
        if (type == TYPE_F32) memcpy(to + i, &value, 4);
        else if (type == TYPE_F16) memcpy(to + i, &half, 2);
        else half = (u16)(half & 0x03ff) | 0x1000, memcpy(to + i, &half, 2); // scales near 0.0005
    }
}

typedef struct {
    char name[48];
    u32 cols, rows, type;
} entry;

static file make_model_of(const char *architecture, u32 type) {
    entry e[2 + 9 * LAYERS];
    u32 n = 0;
    e[n++] = (entry){"token_embd.weight", DIM, VOCAB, type};
    e[n++] = (entry){"output_norm.weight", DIM, 1, TYPE_F32};
    static const struct { const char *part; u32 cols, rows; } parts[] = {{"attn_q", DIM, DIM}, {"attn_k", DIM, DIM / 2}, {"attn_v", DIM, DIM / 2},
        {"attn_output", DIM, DIM}, {"ffn_gate", DIM, FFN}, {"ffn_up", DIM, FFN}, {"ffn_down", FFN, DIM}, {"attn_norm", DIM, 1}, {"ffn_norm", DIM, 1}};
    for (u32 l = 0; l < LAYERS; l++)
        for (u32 i = 0; i < COUNT(parts); i++) {
            e[n] = (entry){"", parts[i].cols, parts[i].rows, parts[i].rows == 1 ? TYPE_F32 : type};
            snprintf(e[n++].name, sizeof e->name, "blk.%u.%s.weight", l, parts[i].part);
        }
    file f = {aligned_alloc(64, 1 << 20), 0, 0, 1 << 20};
    memset(f.at, 0, f.cap);
    add_number(&f, 0x46554747, 4), add_number(&f, 3, 4), add_number(&f, n, 8), add_number(&f, 15, 8);
    add_string(&f, "general.architecture", architecture);
    static const struct { const char *name; u32 value; } counts[] = {{"embedding_length", DIM}, {"feed_forward_length", FFN}, {"block_count", LAYERS},
        {"attention.head_count", HEADS}, {"attention.head_count_kv", KV_HEADS}, {"context_length", CONTEXT}};
    char key[64];
    #define KEY(name) (snprintf(key, sizeof key, "%s.%s", architecture, name), key)
    for (u32 i = 0; i < COUNT(counts); i++) add_u32(&f, KEY(counts[i].name), counts[i].value);
    add_f32(&f, KEY("attention.layer_norm_rms_epsilon"), 1e-5f), add_f32(&f, KEY("rope.freq_base"), 10000);
    add_tokenizer(&f);
    for (u64 i = 0, offset = 0; i < n; i++) {
        u64 size = (u64)e[i].rows * (e[i].cols / type_block(e[i].type)) * type_bytes(e[i].type);
        add_text(&f, e[i].name);
        add_number(&f, e[i].rows == 1 ? 1 : 2, 4), add_number(&f, e[i].cols, 8);
        if (e[i].rows > 1) add_number(&f, e[i].rows, 8);
        add_number(&f, e[i].type, 4), add_number(&f, offset, 8);
        offset += (size + 31) / 32 * 32;
    }
    f.size = f.header = (f.size + 31) / 32 * 32;
    for (u32 i = 0; i < n; i++) {
        u64 size = (u64)e[i].rows * (e[i].cols / type_block(e[i].type)) * type_bytes(e[i].type);
        random_rows(f.at + f.size, size, e[i].type);
        f.size = (f.size + size + 31) / 32 * 32;
    }
    return f;
}

static file make_model(u32 type) { return make_model_of("llama", type); }

// A copy with nothing after its end, so that a read beyond it is seen.
static bytes exact(const u8 *at, u64 size) {
    void *copy;
    if (posix_memalign(&copy, 64, size + !size)) abort();
    if (size) memcpy(copy, at, size);
    return (bytes){copy, size};
}

typedef struct {
    slm s;
    void *memory;
} opened;

static int open_bytes(opened *o, bytes b, slm_error *e) {
    u64 need;
    o->memory = NULL;
    if (slm_pool_bytes(b, &need, e)) return e->code;
    if (need > 1 << 28) return slm_fail(e, SLM_MEMORY, "a pool of %lu bytes is more than these tests give", need);
    pool p = {o->memory = aligned_alloc(64, need), need, 0};
    return slm_open(&o->s, b, &p, e);
}

static void ignore(void *to, u32 id) { (void)to, (void)id; }

// Whatever a file says that was let in, using it must stay inside memory.
static void use(slm *s) {
    slm_error e;
    u32 n;
    u8 text[64];
    sampler greedy = {0, 0, 1, 0}, drawn = {0.8f, 5, 0.9f, 1};
    if (!slm_chat(s, bytes_of("hello world, aaaaa"), &n, &e) && !slm_read(s, s->ids, n, &e)) {
        slm_write(s, 2, BPE_NONE, &greedy, ignore, NULL);
        slm_write(s, 2, BPE_NONE, &drawn, ignore, NULL);
    }
    for (u32 id = 0; id < s->net.shape.vocab; id += 7) bpe_decode(&s->words, id, text, sizeof text);
}

// Opens, uses and frees; returns the code. A refusal always has its line.
static int try_file(const u8 *at, u64 size) {
    opened o;
    slm_error e = {0, ""};
    bytes b = exact(at, size);
    int code = open_bytes(&o, b, &e);
    if (!code) use(&o.s);
    else if (!e.text[0] || strchr(e.text, '\n')) abort();
    free(o.memory), free((void *)b.at);
    return code;
}

// One of the ways in which a file goes wrong: bits turned, a number made absurd, bytes lost, doubled or put in.
static u64 mutate(u8 *at, u64 size, u64 header, u64 cap) {
    static const u64 absurd[] = {0, 1, 0x7f, 0xff, 0x7fffffff, 0x80000000, 0xffffffff, 1ull << 32, 1ull << 62, UINT64_MAX, UINT64_MAX - 31};
    u64 place = roll() % (roll() % 4 ? header : size), length = roll() % 64;
    switch (roll() % 6) {
    case 0: for (u32 n = 1 + roll() % 8; n--;) at[roll() % size] ^= (u8)(1 << roll() % 8); break;
    case 1: at[place] ^= (u8)(1 << roll() % 8); break;
    case 2: if (place + 8 <= size) memcpy(at + place, &absurd[roll() % COUNT(absurd)], roll() % 2 ? 8 : 4); break;
    case 3: return place;
    case 4: if (place + length > size) break; memmove(at + place, at + place + length, size - place - length); return size - length;
    default: if (size + length > cap) break; memmove(at + place + length, at + place, size - place); return size + length;
    }
    return size;
}
