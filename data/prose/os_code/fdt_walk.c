/*
 * Walking a flattened device tree.
 *
 * The structure block is a stream of big-endian tokens: 1 opens a node and
 * is followed by its name, 2 closes it, 3 is a property (length, offset of
 * the name in the strings block, value), 4 is padding, 9 ends the stream.
 * Everything is aligned to four bytes.
 */
#include <stddef.h>
#include <stdint.h>

#define FDT_MAGIC 0xd00dfeedu
enum { BEGIN_NODE = 1, END_NODE = 2, PROP = 3, NOP = 4, END = 9 };

struct fdt {
	const uint8_t *blob;
	uint32_t struct_off, struct_end, strings_off, total;
};

typedef void (*fdt_prop_fn)(const char *node, int depth, const char *name,
			    const uint8_t *value, uint32_t len, void *ctx);

uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

int fdt_open(struct fdt *t, const void *blob, uint32_t available)
{
	const uint8_t *p = blob;
	uint32_t struct_size;

	if (available < 40 || be32(p) != FDT_MAGIC)
		return -1;
	t->blob = p;
	t->total = be32(p + 4);
	t->struct_off = be32(p + 8);
	t->strings_off = be32(p + 12);
	struct_size = be32(p + 36);             /* present since version 17 */
	if (t->total > available || t->struct_off > t->total ||
	    struct_size > t->total - t->struct_off || t->strings_off > t->total)
		return -1;
	t->struct_end = t->struct_off + struct_size;
	return 0;
}

/* A string is usable only if its terminator lies before the limit. */
static const char *bounded(const struct fdt *t, uint32_t off, uint32_t limit, uint32_t *len)
{
	for (uint32_t i = off; i < limit; i++) {
		if (t->blob[i] == 0) {
			*len = i - off;
			return (const char *)t->blob + off;
		}
	}
	return NULL;
}

int fdt_each_property(const struct fdt *t, fdt_prop_fn fn, void *ctx)
{
	const char *stack[16];
	uint32_t at = t->struct_off, n;
	int depth = 0;

	while (t->struct_end - at >= 4) {
		uint32_t token = be32(t->blob + at);

		at += 4;
		if (token == NOP)
			continue;
		if (token == END)
			return depth == 0 ? 0 : -1;
		if (token == BEGIN_NODE) {
			const char *name = bounded(t, at, t->struct_end, &n);

			if (name == NULL || depth == 16)
				return -1;
			stack[depth++] = name;
			at += (n + 1 + 3) & ~3u;
		} else if (token == END_NODE) {
			if (--depth < 0)
				return -1;
		} else if (token == PROP) {
			uint32_t len, off;
			const char *name;

			if (t->struct_end - at < 8 || depth == 0)
				return -1;
			len = be32(t->blob + at);
			off = be32(t->blob + at + 4);
			at += 8;
			if (len > t->struct_end - at || off > t->total - t->strings_off)
				return -1;
			name = bounded(t, t->strings_off + off, t->total, &n);
			if (name == NULL)
				return -1;
			fn(stack[depth - 1], depth, name, t->blob + at, len, ctx);
			at += (len + 3) & ~3u;
		} else {
			return -1;
		}
		if (at > t->struct_end)
			return -1;
	}
	return -1;                              /* no end token */
}

/* "compatible" is a list of strings, most specific first. */
int compatible_has(const uint8_t *value, uint32_t len, const char *want)
{
	uint32_t i = 0;

	while (i < len) {
		uint32_t j = 0;

		while (i + j < len && want[j] && value[i + j] == (uint8_t)want[j])
			j++;
		if (i + j < len && value[i + j] == 0 && want[j] == 0)
			return 1;
		while (i < len && value[i])
			i++;
		i++;
	}
	return 0;
}
