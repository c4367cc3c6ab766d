/*
 * A read-only file system inside a ustar archive.
 *
 * An initial RAM disk in tar form needs no unpacking. Each member is a
 * 512-byte header followed by its data, padded to 512. Numbers are octal
 * text. Two zero blocks end the archive.
 */
#include <stddef.h>
#include <stdint.h>

#define TAR_BLOCK 512u

struct tar_header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12];
	char checksum[8], type, linkname[100], magic[6], version[2];
	char uname[32], gname[32], major[8], minor[8], prefix[155], pad[12];
};

_Static_assert(sizeof(struct tar_header) == TAR_BLOCK, "tar header");

struct tar_file {
	const uint8_t *data;
	uint64_t size;
	char type;                      /* '0' file, '5' directory, '2' symlink */
};

static int octal(const char *s, size_t n, uint64_t *out)
{
	uint64_t v = 0;
	size_t i = 0;

	while (i < n && s[i] == ' ')
		i++;
	for (; i < n && s[i] >= '0' && s[i] <= '7'; i++)
		v = v << 3 | (uint64_t)(s[i] - '0');
	if (i < n && s[i] != '\0' && s[i] != ' ')
		return -1;              /* base-256 sizes above 8 GiB: not here */
	*out = v;
	return 0;
}

/* The checksum field counts as eight spaces while summing. */
static int checksum_ok(const struct tar_header *h)
{
	const uint8_t *b = (const uint8_t *)h;
	uint64_t want;
	uint32_t sum = 0;

	for (size_t i = 0; i < TAR_BLOCK; i++) {
		int inside = i >= offsetof(struct tar_header, checksum) &&
			     i < offsetof(struct tar_header, type);

		sum += inside ? ' ' : b[i];
	}
	return octal(h->checksum, 8, &want) == 0 && want == sum;
}

/* Archive names may begin with "./" and directories end with a slash. */
static int name_equal(const char *have, size_t cap, const char *want)
{
	size_t i = 0;

	if (have[0] == '.' && have[1] == '/') {
		have += 2;
		cap -= 2;
	}
	while (*want == '/')
		want++;
	while (i < cap && have[i] && have[i] == want[i])
		i++;
	if (want[i] != '\0')
		return 0;
	if (i < cap && have[i] == '/')
		i++;
	return i == cap || have[i] == '\0';
}

/* 0 found, -1 absent, -2 damaged archive. */
int tar_find(const uint8_t *archive, uint64_t length, const char *path, struct tar_file *out)
{
	uint64_t at = 0;

	while (length - at >= TAR_BLOCK) {
		const struct tar_header *h = (const struct tar_header *)(archive + at);
		uint64_t size, room = length - at - TAR_BLOCK;

		if (h->name[0] == '\0')
			return -1;              /* end marker */
		if (!checksum_ok(h) || octal(h->size, 12, &size) != 0 || size > room)
			return -2;
		/* Names split over prefix and name are not supported here. */
		if (h->prefix[0] == '\0' && name_equal(h->name, sizeof(h->name), path)) {
			out->data = archive + at + TAR_BLOCK;
			out->size = size;
			out->type = h->type ? h->type : '0';
			return 0;
		}
		size = (size + TAR_BLOCK - 1) & ~(uint64_t)(TAR_BLOCK - 1);
		if (size > room)
			return -1;
		at += TAR_BLOCK + size;
	}
	return -1;
}

/*
 * Linux itself uses the cpio "newc" format for its initramfs: it stores
 * symbolic links and device nodes as simply, and several archives, each
 * compressed in its own way, may be concatenated. Microcode updates travel
 * in an uncompressed archive at the front.
 */
