#include "base.h"

bytes bytes_of(const char *text) {
    bytes b = {(const u8 *)text, 0};
    while (text[b.size]) b.size++;
    return b;
}

bool bytes_equal(bytes a, bytes b) {
    if (a.size != b.size) return false;
    for (u64 i = 0; i < a.size; i++)
        if (a.at[i] != b.at[i]) return false;
    return true;
}

static u8 lower(u8 c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; }

bool bytes_find(bytes text, bytes word, u64 *at) {
    for (u64 i = 0; i + word.size <= text.size; i++) {
        u64 n = 0;
        while (n < word.size && lower(text.at[i + n]) == lower(word.at[n])) n++;
        if (n == word.size) return *at = i, true;
    }
    return false;
}

void *pool_take(pool *p, u64 count, u64 unit) {
    u64 need, end;
    if (__builtin_mul_overflow(count, unit, &need) || need > UINT64_MAX - 63) need = UINT64_MAX - 63;
    need = (need + 63) & ~(u64)63;
    if (__builtin_add_overflow(p->used, need, &end)) end = UINT64_MAX;
    u64 start = p->used;
    p->used = end;
    if (!p->base || end > p->size) return NULL;
    return memset(p->base + start, 0, need);
}

int slm_fail(slm_error *e, int code, const char *format, ...) {
    va_list list;
    va_start(list, format);
    slm_format_list(e->text, sizeof e->text, format, list);
    va_end(list);
    return e->code = code;
}

u64 fnv1a(u64 hash, bytes data) {
    for (u64 i = 0; i < data.size; i++) hash = (hash ^ data.at[i]) * 0x100000001b3u;
    return hash;
}

// ---- text ----

typedef struct {
    char *out;
    u32 cap, used; // characters
} page;

static void put(page *p, char c) {
    if (p->used + 1 < p->cap) p->out[p->used++] = c;
}

static void put_number(page *p, u64 value, u32 base, u32 width, char fill) {
    char digits[20];
    u32 n = 0;
    do digits[n++] = "0123456789abcdef"[value % base];
    while (value /= base);
    for (u32 i = n; i < width; i++) put(p, fill);
    while (n) put(p, digits[--n]);
}

static void put_fixed(page *p, f64 value, u32 places) {
    u64 scale = 1;
    for (u32 i = 0; i < places; i++) scale *= 10;
    if (value < 0) put(p, '-'), value = -value;
    if (!(value < 1e12)) value = 1e12; // also NaN; nothing here measures that much
    u64 all = (u64)(value * (f64)scale + 0.5);
    put_number(p, all / scale, 10, 0, '0');
    if (!places) return;
    put(p, '.');
    put_number(p, all % scale, 10, places, '0');
}

u32 slm_format_list(char *out, u32 cap, const char *f, va_list list) {
    page p = {out, cap, 0};
    for (; *f; f++) {
        if (*f != '%') { put(&p, *f); continue; }
        u32 width = 0, places = 6, longs = 0;
        char fill = ' ';
        i32 limit = -1;
        if (*++f == '0') fill = *f++;
        while (*f >= '0' && *f <= '9') width = width * 10 + (u32)(*f++ - '0');
        if (*f == '.' && f[1] == '*') limit = va_arg(list, int), f += 2;
        else if (*f == '.') for (places = 0, f++; *f >= '0' && *f <= '9'; f++) places = places * 10 + (u32)(*f - '0');
        while (*f == 'l') longs++, f++;
        if (*f == 's') {
            const char *s = va_arg(list, const char *);
            for (i32 i = 0; (limit < 0 || i < limit) && (limit >= 0 || s[i]); i++) put(&p, s[i]);
        } else if (*f == 'c') put(&p, (char)va_arg(list, int));
        else if (*f == 'f') put_fixed(&p, va_arg(list, f64), places);
        else if (*f == 'd') {
            i64 v = longs ? va_arg(list, long) : va_arg(list, int);
            if (v < 0) put(&p, '-');
            put_number(&p, v < 0 ? -(u64)v : (u64)v, 10, width, fill);
        } else if (*f == 'u' || *f == 'x') {
            u64 v = longs ? va_arg(list, unsigned long) : va_arg(list, unsigned);
            put_number(&p, v, *f == 'x' ? 16 : 10, width, fill);
        } else put(&p, *f);
        if (!*f) break;
    }
    if (cap) out[p.used] = 0;
    return p.used;
}

u32 slm_format(char *out, u32 cap, const char *format, ...) {
    va_list list;
    va_start(list, format);
    u32 n = slm_format_list(out, cap, format, list);
    va_end(list);
    return n;
}
