/*
 * Reading a GUID partition table.
 *
 * Sector 0 holds a protective MBR whose single entry of type 0xee keeps old
 * tools away. Sector 1 is the header, protected by two CRCs: one over itself
 * with its own field zeroed, one over the entry array. A copy of both is at
 * the end of the disk, for the case that the first sectors are lost.
 */
#include <stdint.h>
#include <stddef.h>

#define SECTOR 512

struct gpt_header {
	char     signature[8];          /* "EFI PART" */
	uint32_t revision, header_size, header_crc, reserved;
	uint64_t my_lba, other_lba, first_usable, last_usable;
	uint8_t  disk_guid[16];
	uint64_t entries_lba;
	uint32_t n_entries, entry_size, entries_crc;
} __attribute__((packed));

struct gpt_entry {
	uint8_t  type[16], guid[16];    /* an all-zero type marks an unused slot */
	uint64_t first, last;           /* inclusive */
	uint64_t attributes;
	uint16_t name[36];              /* UTF-16LE */
} __attribute__((packed));

_Static_assert(sizeof(struct gpt_header) == 92 && sizeof(struct gpt_entry) == 128, "GPT");

typedef int (*read_sector)(void *disk, uint64_t lba, void *buf);
typedef void (*found_fn)(unsigned index, uint64_t first, uint64_t count, void *ctx);

void *memcpy(void *dst, const void *src, size_t n);
int memcmp(const void *a, const void *b, size_t n);

/* CRC-32 as in Ethernet: reflected polynomial 0xedb88320, both ends inverted. */
uint32_t crc32_update(uint32_t crc, const void *data, size_t n)
{
	const uint8_t *p = data;

	crc = ~crc;
	while (n--) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static int header_valid(const uint8_t *sector, uint64_t lba, struct gpt_header *h)
{
	uint8_t copy[SECTOR];
	struct gpt_header *c = (struct gpt_header *)copy;

	memcpy(h, sector, sizeof(*h));
	if (memcmp(h->signature, "EFI PART", 8) != 0 || h->my_lba != lba)
		return 0;
	if (h->header_size < sizeof(*h) || h->header_size > SECTOR)
		return 0;
	memcpy(copy, sector, SECTOR);
	c->header_crc = 0;
	if (crc32_update(0, copy, h->header_size) != h->header_crc)
		return 0;
	/* The array is read a sector at a time, so an entry must not straddle two. */
	return h->entry_size >= sizeof(struct gpt_entry) &&
	       SECTOR % h->entry_size == 0 && h->n_entries <= 1024;
}

/* Two passes over the array: first the checksum, then the partitions. */
static int scan_entries(void *disk, read_sector rd, const struct gpt_header *h,
			found_fn found, void *ctx)
{
	static const uint8_t unused[16];
	uint8_t buf[SECTOR];
	uint32_t bytes = h->n_entries * h->entry_size, crc = 0;

	for (uint32_t at = 0; at < bytes; at += SECTOR) {
		uint32_t n = bytes - at < SECTOR ? bytes - at : SECTOR;

		if (rd(disk, h->entries_lba + at / SECTOR, buf) != 0)
			return -1;
		crc = crc32_update(crc, buf, n);
	}
	if (crc != h->entries_crc)
		return -1;

	for (uint32_t i = 0; i < h->n_entries; i++) {
		uint32_t at = i * h->entry_size;
		struct gpt_entry e;

		if (at % SECTOR == 0 && rd(disk, h->entries_lba + at / SECTOR, buf) != 0)
			return -1;
		memcpy(&e, buf + at % SECTOR, sizeof(e));
		if (memcmp(e.type, unused, 16) == 0)
			continue;
		if (e.first < h->first_usable || e.last > h->last_usable || e.first > e.last)
			continue;               /* damaged entry: skip, do not trust */
		found(i + 1, e.first, e.last - e.first + 1, ctx);
	}
	return 0;
}

int gpt_read(void *disk, read_sector rd, uint64_t last_lba, found_fn found, void *ctx)
{
	const uint64_t places[2] = { 1, last_lba };
	uint8_t sector[SECTOR];
	struct gpt_header h;

	for (int i = 0; i < 2; i++) {
		if (rd(disk, places[i], sector) == 0 && header_valid(sector, places[i], &h) &&
		    scan_entries(disk, rd, &h, found, ctx) == 0)
			return i;               /* 1: the primary needs repair */
	}
	return -1;
}
