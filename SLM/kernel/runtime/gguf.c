#include "gguf.h"

#include "matrix.h"

// Reads forward and remembers the first time it was asked for more than there is.
typedef struct {
    bytes left;
    bool ended;
} reader;

static bytes take(reader *r, u64 n) {
    if (n > r->left.size) r->ended = true, n = r->left.size;
    bytes b = {r->left.at, n};
    r->left.at += n, r->left.size -= n;
    return b;
}

static u64 take_number(reader *r, u32 n_bytes) {
    bytes b = take(r, n_bytes);
    u64 value = 0;
    for (u64 i = b.size; i--;) value = value << 8 | b.at[i];
    return r->ended ? 0 : value;
}

static bytes take_string(reader *r) { return take(r, take_number(r, 8)); }

static const u8 width[GGUF_TYPES] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8}; // bytes; 0 = variable

// False if the type is unknown or nested; running off the end is left to r->ended.
static bool take_value(reader *r, gguf_value *v) {
    v->type = (u32)take_number(r, 4);
    v->count = 1;
    v->array = v->type == GGUF_ARRAY;
    if (v->array) v->type = (u32)take_number(r, 4), v->count = take_number(r, 8);
    if (v->type >= GGUF_TYPES || v->type == GGUF_ARRAY) return false;
    const u8 *start = r->left.at;
    if (v->type == GGUF_STRING) for (u64 i = 0; i < v->count && !r->ended; i++) take_string(r);
    else if (v->count > r->left.size / width[v->type]) r->ended = true;
    else take(r, v->count * width[v->type]);
    v->data = (bytes){start, (u64)(r->left.at - start)};
    return true;
}

static reader reader_at(const gguf *g, u64 at) { return (reader){{g->file.at + at, g->file.size - at}, false}; }
static u64 position(const gguf *g, const reader *r) { return (u64)(r->left.at - g->file.at); }

static u64 aligned(u64 n, u64 alignment) { return (n + alignment - 1) & ~(alignment - 1); }

// Fills all but t->data, whose place the caller knows. False if the shape makes no sense.
static bool take_tensor(reader *r, gguf_tensor *t, u64 *offset, u64 *size) {
    t->name = take_string(r);
    u64 n_dims = take_number(r, 4), elements = 1;
    if (n_dims < 1 || n_dims > 4) return false;
    for (u32 i = 0; i < 4; i++) {
        t->dims[i] = i < n_dims ? take_number(r, 8) : 1;
        if (!t->dims[i] || __builtin_mul_overflow(elements, t->dims[i], &elements)) return false;
    }
    t->type = (u32)take_number(r, 4);
    *offset = take_number(r, 8);
    u32 block = type_block(t->type), block_bytes = type_bytes(t->type);
    if (!block || t->dims[0] % block) return false;
    return !__builtin_mul_overflow(elements / block, block_bytes, size);
}

static int check_keys(gguf *g, reader *r, slm_error *e) {
    for (u64 i = 0; i < g->n_keys; i++) {
        gguf_value v;
        bytes key = take_string(r);
        bool known = take_value(r, &v);
        if (r->ended) return slm_fail(e, SLM_TRUNCATED, "GGUF ends inside key %lu of %lu (file has %lu bytes)", i + 1, g->n_keys, g->file.size);
        if (!known) return slm_fail(e, SLM_FORMAT, "GGUF key %lu has type %u, which is no type of version 3 that is read here", i + 1, v.type);
        if (bytes_equal(key, bytes_of("general.alignment"))) {
            reader value = {v.data, false};
            g->alignment = take_number(&value, 4);
            if (v.type != GGUF_U32 || v.array || g->alignment < 8 || g->alignment & (g->alignment - 1) || g->alignment > 4096)
                return slm_fail(e, SLM_FORMAT, "GGUF general.alignment is %lu, not a power of two from 8 to 4096", g->alignment);
        }
    }
    return SLM_OK;
}

// Tensors must follow one another without gap or overlap, as every writer of GGUF lays them out.
static int check_tensors(gguf *g, reader *r, slm_error *e) {
    u64 end = 0, offset, size;
    gguf_tensor t = {0};
    for (u64 i = 0; i < g->n_tensors; i++) {
        bool sound = take_tensor(r, &t, &offset, &size);
        if (r->ended) return slm_fail(e, SLM_TRUNCATED, "GGUF ends inside tensor entry %lu of %lu (file has %lu bytes)", i + 1, g->n_tensors, g->file.size);
        if (!sound && !type_block(t.type)) return slm_fail(e, SLM_UNSUPPORTED, "GGUF tensor %lu is of type %s (%u), this runtime reads F32, F16, Q8_0 and Q4_0", i + 1, type_name(t.type), t.type);
        if (!sound) return slm_fail(e, SLM_UNSUPPORTED, "GGUF tensor %lu has a shape that is not one to four counts, rows in whole blocks of their type", i + 1);
        if (offset != aligned(end, g->alignment)) return slm_fail(e, SLM_FORMAT, "GGUF tensor %lu starts at %lu, the one before ends at %lu", i + 1, offset, end);
        if (size > g->file.size - end || offset > g->file.size - size) return slm_fail(e, SLM_TRUNCATED, "GGUF tensor %lu needs %lu bytes at %lu (file has %lu bytes)", i + 1, size, offset, g->file.size);
        end = offset + size;
    }
    g->data_at = aligned(position(g, r), g->alignment);
    if (g->data_at > g->file.size || end > g->file.size - g->data_at)
        return slm_fail(e, SLM_TRUNCATED, "GGUF tensors end at byte %lu, the file at %lu", g->data_at + end, g->file.size);
    if (g->file.size - g->data_at - end >= g->alignment)
        return slm_fail(e, SLM_FORMAT, "GGUF tensors end at byte %lu, the file at %lu: the rest belongs to nobody", g->data_at + end, g->file.size);
    return SLM_OK;
}

int gguf_open(gguf *g, bytes file, slm_error *e) {
    *g = (gguf){.file = file, .alignment = 32};
    if ((uintptr_t)file.at % 32) return slm_fail(e, SLM_MEMORY, "GGUF lies at an address that is not a multiple of 32");
    reader r = reader_at(g, 0);
    u64 magic = take_number(&r, 4), version = take_number(&r, 4);
    g->n_tensors = take_number(&r, 8);
    g->n_keys = take_number(&r, 8);
    if (r.ended) return slm_fail(e, SLM_TRUNCATED, "GGUF header needs 24 bytes, the file has %lu", file.size);
    if (magic != 0x46554747) return slm_fail(e, SLM_FORMAT, "not a GGUF file: it starts with 0x%lx, not 0x46554747", magic);
    if (version != 3) return slm_fail(e, SLM_UNSUPPORTED, "GGUF version %lu, this runtime reads version 3", version);
    g->keys_at = position(g, &r);
    if (check_keys(g, &r, e)) return e->code;
    g->tensors_at = position(g, &r);
    return check_tensors(g, &r, e);
}

bool gguf_find(const gguf *g, const char *name, gguf_value *v) {
    reader r = reader_at(g, g->keys_at);
    for (u64 i = 0; i < g->n_keys; i++) {
        bytes key = take_string(&r);
        take_value(&r, v);
        if (bytes_equal(key, bytes_of(name))) return true;
    }
    return false;
}

bool gguf_find_tensor(const gguf *g, const char *name, gguf_tensor *t) {
    reader r = reader_at(g, g->tensors_at);
    for (u64 i = 0, offset, size; i < g->n_tensors; i++) {
        take_tensor(&r, t, &offset, &size);
        t->data = (bytes){g->file.at + g->data_at + offset, size};
        if (bytes_equal(t->name, bytes_of(name))) return true;
    }
    return false;
}

static int find_scalar(const gguf *g, const char *key, gguf_value *v, slm_error *e) {
    if (!gguf_find(g, key, v)) return slm_fail(e, SLM_FORMAT, "GGUF has no key %s", key);
    if (v->array) return slm_fail(e, SLM_FORMAT, "GGUF key %s is an array of %lu, one value expected", key, v->count);
    return SLM_OK;
}

int gguf_u32(const gguf *g, const char *key, u32 *out, slm_error *e) {
    gguf_value v;
    if (find_scalar(g, key, &v, e)) return e->code;
    bool integer = v.type <= GGUF_I32 || v.type == GGUF_U64 || v.type == GGUF_I64;
    reader r = {v.data, false};
    u64 number = take_number(&r, (u32)v.data.size);
    if (!integer || number > INT32_MAX) return slm_fail(e, SLM_FORMAT, "GGUF key %s is no count (type %u, value %lu)", key, v.type, number);
    *out = (u32)number;
    return SLM_OK;
}

int gguf_f32(const gguf *g, const char *key, f32 *out, slm_error *e) {
    gguf_value v;
    if (find_scalar(g, key, &v, e)) return e->code;
    if (v.type != GGUF_F32) return slm_fail(e, SLM_FORMAT, "GGUF key %s has type %u, F32 expected", key, v.type);
    memcpy(out, v.data.at, sizeof *out);
    return SLM_OK;
}

int gguf_string(const gguf *g, const char *key, bytes *out, slm_error *e) {
    gguf_value v;
    if (find_scalar(g, key, &v, e)) return e->code;
    if (v.type != GGUF_STRING) return slm_fail(e, SLM_FORMAT, "GGUF key %s has type %u, a string expected", key, v.type);
    *out = gguf_next_string(&v.data);
    return SLM_OK;
}

int gguf_array(const gguf *g, const char *key, u32 type, gguf_value *out, slm_error *e) {
    if (!gguf_find(g, key, out)) return slm_fail(e, SLM_FORMAT, "GGUF has no key %s", key);
    if (!out->array || out->type != type) return slm_fail(e, SLM_FORMAT, "GGUF key %s is no array of type %u", key, type);
    return SLM_OK;
}

bytes gguf_next_string(bytes *rest) {
    reader r = {*rest, false};
    bytes s = take_string(&r);
    *rest = r.left;
    return s;
}
