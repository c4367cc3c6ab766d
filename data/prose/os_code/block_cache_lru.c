/*
 * Write-back cache of disk blocks.
 *
 * A hash table finds a block by number, a circular list keeps the order of
 * use. Buffers with references are pinned and never evicted. A dirty victim
 * is written before its memory is given to another block.
 */
#include <stddef.h>
#include <stdint.h>

#define BLOCK_SIZE  4096
#define NBUF        256
#define NHASH       64

struct buf {
	uint64_t block;
	struct buf *hash_next;
	struct buf *newer, *older;      /* ring through lru */
	uint32_t refs;
	uint8_t valid, dirty;
	uint8_t *data;
};

static struct buf bufs[NBUF];
static uint8_t storage[NBUF][BLOCK_SIZE];
static struct buf *buckets[NHASH];
static struct buf lru;                  /* lru.older: newest, lru.newer: oldest */

int disk_read(uint64_t block, void *data);
int disk_write(uint64_t block, const void *data);

static struct buf **bucket_of(uint64_t block)
{
	/* Fibonacci hashing; the top six bits select one of 64 chains. */
	return &buckets[(block * 0x9e3779b97f4a7c15ull) >> 58];
}

static void ring_remove(struct buf *b)
{
	b->newer->older = b->older;
	b->older->newer = b->newer;
}

static void ring_insert_newest(struct buf *b)
{
	b->newer = &lru;
	b->older = lru.older;
	lru.older->newer = b;
	lru.older = b;
}

static void hash_remove(struct buf *b)
{
	for (struct buf **p = bucket_of(b->block); *p; p = &(*p)->hash_next) {
		if (*p == b) {
			*p = b->hash_next;
			return;
		}
	}
}

void bcache_init(void)
{
	lru.newer = lru.older = &lru;
	for (int i = 0; i < NBUF; i++) {
		bufs[i].data = storage[i];
		ring_insert_newest(&bufs[i]);
	}
}

struct buf *bread(uint64_t block)
{
	struct buf *b;

	for (b = *bucket_of(block); b; b = b->hash_next) {
		if (b->block == block)
			goto found;
	}
	for (b = lru.newer; b != &lru && b->refs; b = b->newer)
		;
	if (b == &lru)
		return NULL;                    /* every buffer is pinned */
	if (b->dirty && disk_write(b->block, b->data) != 0)
		return NULL;                    /* keep the only copy of the data */
	if (b->valid)
		hash_remove(b);
	b->dirty = 0;
	b->valid = 0;
	if (disk_read(block, b->data) != 0)
		return NULL;
	b->block = block;
	b->valid = 1;
	b->hash_next = *bucket_of(block);
	*bucket_of(block) = b;
found:
	b->refs++;
	ring_remove(b);
	ring_insert_newest(b);
	return b;
}

void bdirty(struct buf *b)
{
	b->dirty = 1;
}

void brelease(struct buf *b)
{
	b->refs--;
}

/* Returns how many blocks could not be written. */
int bsync(void)
{
	int failed = 0;

	for (int i = 0; i < NBUF; i++) {
		if (!bufs[i].valid || !bufs[i].dirty)
			continue;
		if (disk_write(bufs[i].block, bufs[i].data) == 0)
			bufs[i].dirty = 0;
		else
			failed++;
	}
	return failed;
}
