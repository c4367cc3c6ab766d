/*
 * First-fit heap with boundary tags.
 *
 * Every block carries its size before the payload and again after it. The
 * trailing copy lets free() step to the block below without a list search,
 * so both neighbours can be merged in constant time. Bit 0 of the size says
 * "in use"; sizes are multiples of 16, which leaves that bit spare.
 */
#include <stddef.h>
#include <stdint.h>

#define ALIGN       16u
#define USED        1u
#define OVERHEAD    (2 * sizeof(size_t))

static uint8_t *heap_start, *heap_end;

static size_t *head_of(uint8_t *block)
{
	return (size_t *)block;
}

static size_t size_of(uint8_t *block)
{
	return *head_of(block) & ~(size_t)USED;
}

static void set_tags(uint8_t *block, size_t size, size_t flag)
{
	*head_of(block) = size | flag;
	*(size_t *)(block + size - sizeof(size_t)) = size | flag;
}

/*
 * Payloads must be 16-byte aligned, and a payload lies one word after its
 * block, so blocks begin 8 bytes before a 16-byte boundary. The words just
 * outside the heap are sentinels marked used: merging stops there.
 */
void heap_init(void *area, size_t length)
{
	uintptr_t base = ((uintptr_t)area + 2 * ALIGN - 1) & ~(uintptr_t)(ALIGN - 1);
	uintptr_t limit = ((uintptr_t)area + length) & ~(uintptr_t)(ALIGN - 1);

	heap_start = (uint8_t *)(base - sizeof(size_t));
	heap_end = (uint8_t *)(limit - sizeof(size_t));
	*(size_t *)(heap_start - sizeof(size_t)) = USED;
	*(size_t *)heap_end = USED;
	set_tags(heap_start, (size_t)(heap_end - heap_start), 0);
}

void *heap_alloc(size_t bytes)
{
	size_t need;

	if (bytes == 0 || bytes > (size_t)(heap_end - heap_start))
		return NULL;
	need = (bytes + OVERHEAD + ALIGN - 1) & ~(size_t)(ALIGN - 1);

	for (uint8_t *b = heap_start; b < heap_end; b += size_of(b)) {
		size_t have = size_of(b);

		if ((*head_of(b) & USED) || have < need)
			continue;
		if (have - need >= 2 * ALIGN) {         /* the rest can hold something */
			set_tags(b + need, have - need, 0);
			have = need;
		}
		set_tags(b, have, USED);
		return b + sizeof(size_t);
	}
	return NULL;
}

void heap_free(void *ptr)
{
	uint8_t *b, *next;
	size_t size, below;

	if (ptr == NULL)
		return;
	b = (uint8_t *)ptr - sizeof(size_t);
	size = size_of(b);

	next = b + size;
	if (!(*head_of(next) & USED))
		size += size_of(next);

	below = *(size_t *)(b - sizeof(size_t));
	if (!(below & USED)) {
		b -= below;
		size += below;
	}
	set_tags(b, size, 0);
}

/* Share of the free bytes that the largest free block does not cover, in %. */
unsigned heap_fragmentation(void)
{
	size_t total = 0, largest = 0;

	for (uint8_t *b = heap_start; b < heap_end; b += size_of(b)) {
		if (*head_of(b) & USED)
			continue;
		total += size_of(b);
		if (size_of(b) > largest)
			largest = size_of(b);
	}
	return total ? (unsigned)(100 * (total - largest) / total) : 0;
}
