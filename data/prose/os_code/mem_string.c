/*
 * memcpy, memmove, memset, memcmp and bounded string helpers.
 *
 * A freestanding compiler may still emit calls to the first four, for
 * structure assignments and cleared arrays, so a kernel has to supply them.
 * This file must be built with -fno-builtin or -ffreestanding: otherwise the
 * optimizer may recognise the loop in memset() and replace it by a call to
 * memset(), which then recurses without end. GCC has a switch for exactly
 * that transformation, -fno-tree-loop-distribute-patterns.
 */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	uint8_t *d = dst;
	const uint8_t *s = src;

	/* Words only when both sides can be aligned together. */
	if ((((uintptr_t)d ^ (uintptr_t)s) & 7) == 0) {
		while (n && ((uintptr_t)d & 7)) {
			*d++ = *s++;
			n--;
		}
		for (; n >= 8; n -= 8, d += 8, s += 8)
			__builtin_memcpy(d, s, 8);      /* one load, one store */
	}
	while (n--)
		*d++ = *s++;
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	uint8_t *d = dst;
	const uint8_t *s = src;

	if (d == s || n == 0)
		return dst;
	if (d < s) {
		while (n--)
			*d++ = *s++;
	} else {
		/* The tail first, since the destination overlaps the end. */
		while (n--)
			d[n] = s[n];
	}
	return dst;
}

void *memset(void *dst, int value, size_t n)
{
	uint8_t *d = dst;

	while (n--)
		*d++ = (uint8_t)value;
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;

	for (; n; n--, x++, y++) {
		if (*x != *y)
			return *x < *y ? -1 : 1;        /* compared as unsigned */
	}
	return 0;
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

/* Always terminates; returns 0 if everything fitted, -1 if it was cut. */
int str_copy(char *dst, size_t cap, const char *src)
{
	size_t n;

	if (cap == 0)
		return -1;
	n = strnlen(src, cap);
	if (n == cap) {
		memcpy(dst, src, cap - 1);
		dst[cap - 1] = '\0';
		return -1;
	}
	memcpy(dst, src, n + 1);
	return 0;
}

/*
 * Parses an unsigned number, decimal or 0x-hexadecimal. The whole string must
 * be a number, and a value above 64 bits is an error instead of a wrap.
 */
int parse_u64(const char *s, uint64_t *out)
{
	unsigned base = 10;
	uint64_t v = 0;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	}
	if (*s == '\0')
		return -1;
	for (; *s; s++) {
		unsigned digit;

		if (*s >= '0' && *s <= '9')
			digit = (unsigned)(*s - '0');
		else if (base == 16 && (*s | 32) >= 'a' && (*s | 32) <= 'f')
			digit = (unsigned)((*s | 32) - 'a') + 10;
		else
			return -1;
		if (__builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, digit, &v))
			return -1;
	}
	*out = v;
	return 0;
}
