// Ground: sized integers, byte runs, a fixed pool, one-line errors, text formatting, FNV-1a.
#ifndef SLM_BASE_H
#define SLM_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t i8;
typedef int32_t i32;
typedef int64_t i64;
typedef float f32;
typedef double f64;

#define COUNT(array) (sizeof(array) / sizeof *(array))

// A run of bytes that somebody else owns.
typedef struct {
    const u8 *at;
    u64 size; // bytes
} bytes;

bytes bytes_of(const char *text);                 // without the closing zero
bool bytes_equal(bytes a, bytes b);
bool bytes_find(bytes text, bytes word, u64 *at); // first place of `word`, letter case ignored

// The only memory there is. All buffers are taken at start-up and none is given back.
// With base == NULL the pool only counts, so the same code that lays buffers out also measures them.
typedef struct {
    u8 *base; // 64-byte aligned
    u64 size; // bytes that may be taken
    u64 used; // bytes asked for so far, beyond `size` if the pool is too small
} pool;

void *pool_take(pool *p, u64 count, u64 unit); // zeroed and 64-byte aligned; NULL if it does not fit

enum { SLM_OK, SLM_TRUNCATED, SLM_FORMAT, SLM_UNSUPPORTED, SLM_MEMORY, SLM_TOO_LONG, SLM_HASH };

typedef struct {
    int code;       // one of SLM_*
    char text[192]; // one line, no newline
} slm_error;

#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

// Sets the error and returns its code, so that `return slm_fail(...)` reads as one thought.
int slm_fail(slm_error *e, int code, const char *format, ...) PRINTF_LIKE(3, 4);

// Knows %s %.*s %c %d %u %x %lu %lx %016lx %.Nf %%. Always closes with a zero; returns characters written.
u32 slm_format(char *out, u32 cap, const char *format, ...) PRINTF_LIKE(3, 4);
u32 slm_format_list(char *out, u32 cap, const char *format, va_list list) PRINTF_LIKE(3, 0);

#define FNV_START 0xcbf29ce484222325u
u64 fnv1a(u64 hash, bytes data); // 64 bits; start with FNV_START, feed runs one after another

void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
void *memmove(void *to, const void *from, size_t n);
int memcmp(const void *a, const void *b, size_t n);

#endif
