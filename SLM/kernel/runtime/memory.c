// The four functions a C compiler may call on its own. Only the kernel links them; a host has its own.
#include "base.h"

void *memset(void *to, int value, size_t n) {
    u8 *d = to;
    while (n--) *d++ = (u8)value;
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t n) {
    u8 *d = to;
    const u8 *s = from;
    while (n--) *d++ = *s++;
    return to;
}

void *memmove(void *to, const void *from, size_t n) {
    u8 *d = to;
    const u8 *s = from;
    if (d < s) while (n--) *d++ = *s++;
    else while (n--) d[n] = s[n];
    return to;
}

int memcmp(const void *a, const void *b, size_t n) {
    const u8 *x = a, *y = b;
    for (; n; n--, x++, y++)
        if (*x != *y) return *x - *y;
    return 0;
}
