/*
 * Lock-free byte ring for one producer and one consumer.
 *
 * The producer owns head, the consumer owns tail, and each only reads the
 * other's counter. The counters run freely and are reduced by the mask when
 * the array is touched, so full (head - tail == size) and empty
 * (head == tail) differ without a wasted slot. Unsigned wrap-around is
 * defined in C and keeps the difference right.
 *
 * The release store publishes the bytes before the counter that announces
 * them; the acquire load on the other side pairs with it. On x86 both become
 * plain moves, on ARM and RISC-V they become the ordered instructions that
 * a plain volatile access would have lacked.
 */
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define RING_SIZE 1024u         /* a power of two */
#define RING_MASK (RING_SIZE - 1u)

_Static_assert((RING_SIZE & RING_MASK) == 0, "ring size must be a power of two");

struct ring {
	_Alignas(64) _Atomic uint32_t head;     /* on separate cache lines, */
	_Alignas(64) _Atomic uint32_t tail;     /* or the two sides would fight */
	uint8_t data[RING_SIZE];
};

size_t ring_write(struct ring *r, const uint8_t *src, size_t len)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
	size_t room = RING_SIZE - (head - tail);

	if (len > room)
		len = room;
	for (size_t i = 0; i < len; i++)
		r->data[(head + i) & RING_MASK] = src[i];
	atomic_store_explicit(&r->head, head + (uint32_t)len, memory_order_release);
	return len;
}

size_t ring_read(struct ring *r, uint8_t *dst, size_t cap)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	uint32_t head = atomic_load_explicit(&r->head, memory_order_acquire);
	size_t used = head - tail;

	if (cap > used)
		cap = used;
	for (size_t i = 0; i < cap; i++)
		dst[i] = r->data[(tail + i) & RING_MASK];
	atomic_store_explicit(&r->tail, tail + (uint32_t)cap, memory_order_release);
	return cap;
}

/*
 * Typical use: the receive interrupt of a UART is the producer and drains the
 * hardware FIFO with ring_write(); the reading task is the consumer. A short
 * return from ring_write() is an overrun, which the driver counts. Two tasks
 * that read the same ring need a lock around ring_read(), since the
 * algorithm allows a single consumer only.
 */
