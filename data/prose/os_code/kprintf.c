/*
 * Formatted output without a C library.
 *
 * Supports %c %s %d %u %x %p %% with the length modifiers l, ll and z, a
 * field width, and zero padding. Output goes through a callback, so the same
 * code prints to the serial line, to a log ring or into a buffer.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

typedef void (*emit_fn)(char c, void *ctx);

static void emit_number(emit_fn emit, void *ctx, uint64_t v, unsigned base,
			int negative, int width, char pad)
{
	char digits[24];
	int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);

	width -= n + negative;
	if (negative && pad == '0')
		emit('-', ctx);         /* the sign precedes zeros ... */
	while (width-- > 0)
		emit(pad, ctx);
	if (negative && pad != '0')
		emit('-', ctx);         /* ... but follows spaces */
	while (n > 0)
		emit(digits[--n], ctx);
}

void kvformat(emit_fn emit, void *ctx, const char *fmt, va_list ap)
{
	for (; *fmt; fmt++) {
		int width = 0, longs = 0;
		char pad = ' ';

		if (*fmt != '%') {
			emit(*fmt, ctx);
			continue;
		}
		fmt++;
		if (*fmt == '0') {
			pad = '0';
			fmt++;
		}
		while (*fmt >= '0' && *fmt <= '9')
			width = width * 10 + (*fmt++ - '0');
		while (*fmt == 'l' || *fmt == 'z') {
			longs++;
			fmt++;
		}
		switch (*fmt) {
		case 'c':
			emit((char)va_arg(ap, int), ctx);
			break;
		case 's': {
			const char *s = va_arg(ap, const char *);

			if (s == NULL)
				s = "(null)";
			while (*s) {
				emit(*s++, ctx);
				width--;
			}
			while (width-- > 0)
				emit(' ', ctx);
			break;
		}
		case 'd': {
			int64_t v = longs ? va_arg(ap, long long) : va_arg(ap, int);
			/* Negating in unsigned arithmetic keeps INT64_MIN defined. */
			uint64_t mag = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

			emit_number(emit, ctx, mag, 10, v < 0, width, pad);
			break;
		}
		case 'u':
		case 'x': {
			uint64_t v = longs ? va_arg(ap, unsigned long long)
					   : va_arg(ap, unsigned int);

			emit_number(emit, ctx, v, *fmt == 'x' ? 16 : 10, 0, width, pad);
			break;
		}
		case 'p':
			emit('0', ctx);
			emit('x', ctx);
			emit_number(emit, ctx, (uintptr_t)va_arg(ap, void *), 16, 0, 16, '0');
			break;
		case '%':
			emit('%', ctx);
			break;
		case '\0':
			return;                 /* a lone % ends the string */
		default:
			emit('%', ctx);
			emit(*fmt, ctx);
		}
	}
}

struct bounded { char *buf; size_t cap, len; };

static void emit_bounded(char c, void *ctx)
{
	struct bounded *b = ctx;

	if (b->len + 1 < b->cap)
		b->buf[b->len] = c;
	b->len++;
}

/* Like snprintf: returns the length that would have been needed. */
int ksnprintf(char *buf, size_t cap, const char *fmt, ...)
{
	struct bounded b = { buf, cap, 0 };
	va_list ap;

	va_start(ap, fmt);
	kvformat(emit_bounded, &b, fmt, ap);
	va_end(ap);
	if (cap)
		buf[b.len < cap ? b.len : cap - 1] = '\0';
	return (int)b.len;
}

/* l, ll and z share a path because all three are 64 bits under LP64. */
_Static_assert(sizeof(long) == sizeof(long long) && sizeof(size_t) == sizeof(long), "LP64");
