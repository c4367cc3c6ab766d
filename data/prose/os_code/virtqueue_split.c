/*
 * Driver side of a split virtqueue (virtio 1.x, little-endian CPU).
 *
 * Three areas in shared memory: a descriptor table, the available ring that
 * the driver fills, and the used ring that the device fills. Both ring
 * indices run freely through 16 bits; the queue size is a power of two, so
 * reducing them modulo the size stays right across the wrap.
 */
#include <stdint.h>

#define QSIZE        64u
#define F_NEXT       1u         /* the chain goes on at .next */
#define F_WRITE      2u         /* device writes into this buffer */

struct vq_desc  { uint64_t addr; uint32_t len; uint16_t flags, next; };
struct vq_avail { uint16_t flags, idx, ring[QSIZE], used_event; };
struct vq_usede { uint32_t id, len; };
struct vq_used  { uint16_t flags, idx; struct vq_usede ring[QSIZE]; uint16_t avail_event; };

_Static_assert(sizeof(struct vq_desc) == 16, "descriptor layout");

struct virtqueue {
	struct vq_desc  *desc;
	struct vq_avail *avail;
	volatile struct vq_used *used;
	volatile uint16_t *notify;      /* queue's doorbell */
	uint16_t index;                 /* number of this queue */
	uint16_t free_head, nfree;
	uint16_t last_used;
	void *cookie[QSIZE];
};

struct segment { uint64_t phys; uint32_t len; int device_writes; };

void vq_init(struct virtqueue *q)
{
	for (uint16_t i = 0; i < QSIZE; i++)
		q->desc[i].next = i + 1;
	q->free_head = 0;
	q->nfree = QSIZE;
	q->last_used = 0;
}

/* Segments the device reads must come before those it writes. */
int vq_submit(struct virtqueue *q, const struct segment *seg, unsigned n, void *cookie)
{
	uint16_t head = q->free_head, i = head, last = head;

	if (n == 0 || n > q->nfree)
		return -1;
	for (unsigned s = 0; s < n; s++) {
		q->desc[i].addr = seg[s].phys;
		q->desc[i].len = seg[s].len;
		q->desc[i].flags = (uint16_t)(F_NEXT | (seg[s].device_writes ? F_WRITE : 0));
		last = i;
		i = q->desc[i].next;
	}
	q->desc[last].flags &= (uint16_t)~F_NEXT;
	q->free_head = i;
	q->nfree -= (uint16_t)n;
	q->cookie[head] = cookie;

	q->avail->ring[q->avail->idx % QSIZE] = head;
	/* The device must see the descriptors before the index that offers them. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	*(volatile uint16_t *)&q->avail->idx = (uint16_t)(q->avail->idx + 1);
	/* The index must be visible before used->flags is read. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!(q->used->flags & 1))      /* bit 0: device asks for no kicks */
		*q->notify = q->index;
	return 0;
}

/* Returns the cookie of one finished chain, or 0 when there is none. */
void *vq_reap(struct virtqueue *q, uint32_t *written)
{
	uint16_t head, i;
	void *cookie;

	if (q->used->idx == q->last_used)
		return 0;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	head = (uint16_t)q->used->ring[q->last_used % QSIZE].id;
	*written = q->used->ring[q->last_used % QSIZE].len;
	q->last_used++;
	if (head >= QSIZE)
		return 0;               /* a broken device must not index past the table */

	cookie = q->cookie[head];
	for (i = head; q->nfree++, q->desc[i].flags & F_NEXT; i = q->desc[i].next)
		;
	q->desc[i].next = q->free_head;
	q->free_head = head;
	return cookie;
}
