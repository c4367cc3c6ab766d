/*
 * Binary buddy allocator over page frames.
 *
 * A block of order k is 2^k frames and begins at a multiple of 2^k. Its buddy
 * is found by flipping bit k of the frame number. Freeing merges a block with
 * its buddy as long as the buddy is free and of the same order.
 */
#include <stdint.h>

#define MAX_ORDER   11          /* largest block 2^10 frames = 4 MiB */
#define NFRAMES     65536u
#define NONE        0xffffffffu

struct frame {
	uint32_t next, prev;    /* links of the free list, by frame number */
	uint8_t  order;         /* valid for the first frame of a free block */
	uint8_t  is_free;
};

static struct frame frames[NFRAMES];
static uint32_t free_head[MAX_ORDER];

static void list_push(unsigned order, uint32_t pfn)
{
	frames[pfn].order = (uint8_t)order;
	frames[pfn].is_free = 1;
	frames[pfn].prev = NONE;
	frames[pfn].next = free_head[order];
	if (free_head[order] != NONE)
		frames[free_head[order]].prev = pfn;
	free_head[order] = pfn;
}

static void list_remove(unsigned order, uint32_t pfn)
{
	struct frame *f = &frames[pfn];

	if (f->prev != NONE)
		frames[f->prev].next = f->next;
	else
		free_head[order] = f->next;
	if (f->next != NONE)
		frames[f->next].prev = f->prev;
	f->is_free = 0;
}

uint32_t buddy_alloc(unsigned order)
{
	unsigned k = order;
	uint32_t pfn;

	while (k < MAX_ORDER && free_head[k] == NONE)
		k++;
	if (k >= MAX_ORDER)
		return NONE;
	pfn = free_head[k];
	list_remove(k, pfn);
	while (k > order) {             /* give back the upper halves */
		k--;
		list_push(k, pfn + (1u << k));
	}
	return pfn;
}

void buddy_free(uint32_t pfn, unsigned order)
{
	while (order + 1 < MAX_ORDER) {
		uint32_t buddy = pfn ^ (1u << order);

		if (buddy >= NFRAMES || !frames[buddy].is_free ||
		    frames[buddy].order != order)
			break;
		list_remove(order, buddy);
		pfn &= ~(1u << order);  /* the merged block starts at the lower one */
		order++;
	}
	list_push(order, pfn);
}

/* Hands a usable range from the firmware's memory map to the allocator. */
void buddy_add_range(uint32_t first, uint32_t end)
{
	while (first < end) {
		unsigned order = MAX_ORDER - 1;

		/* the largest block that is both aligned and inside the range */
		while ((first & ((1u << order) - 1)) || first + (1u << order) > end)
			order--;
		buddy_free(first, order);
		first += 1u << order;
	}
}

void buddy_init(void)
{
	for (unsigned k = 0; k < MAX_ORDER; k++)
		free_head[k] = NONE;
}
