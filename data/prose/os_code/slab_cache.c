/*
 * Object cache on top of a page allocator.
 *
 * Each slab is one page: a header, then objects of equal size. Free objects
 * form a list threaded through their own first word, so bookkeeping costs
 * nothing per object. Since slabs are page aligned, masking an object's
 * address leads to its header. A pool of equal sizes cannot fragment.
 */
#include <stddef.h>
#include <stdint.h>

#define PAGE_SIZE 4096u

void *page_alloc(void);
void page_free(void *page);

struct slab {
	struct slab *next, **link;      /* link: the pointer that points here */
	struct cache *owner;
	void *free;
	uint16_t used;
};

struct cache {
	struct slab *partial;           /* at least one free object */
	size_t stride;
	uint16_t per_slab;
	uint16_t empty;                 /* slabs on partial with used == 0 */
};

static void slab_link(struct cache *c, struct slab *s)
{
	s->next = c->partial;
	s->link = &c->partial;
	if (s->next)
		s->next->link = &s->next;
	c->partial = s;
}

static void slab_unlink(struct slab *s)
{
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
}

int cache_init(struct cache *c, size_t size, size_t align)
{
	size_t first;

	if (align < sizeof(void *))
		align = sizeof(void *);
	c->stride = (size + align - 1) & ~(align - 1);
	first = (sizeof(struct slab) + align - 1) & ~(align - 1);
	if (first + c->stride > PAGE_SIZE)
		return -1;
	c->per_slab = (uint16_t)((PAGE_SIZE - first) / c->stride);
	c->partial = NULL;
	c->empty = 0;
	return 0;
}

static struct slab *slab_grow(struct cache *c)
{
	uint8_t *page = page_alloc();
	struct slab *s = (struct slab *)page;

	if (page == NULL)
		return NULL;
	s->owner = c;
	s->used = 0;
	s->free = NULL;
	/* Objects are packed to the end of the page: alignment follows. */
	for (uint16_t i = 0; i < c->per_slab; i++) {
		void **obj = (void **)(page + PAGE_SIZE - (i + 1u) * c->stride);

		*obj = s->free;
		s->free = obj;
	}
	slab_link(c, s);
	c->empty++;
	return s;
}

void *cache_alloc(struct cache *c)
{
	struct slab *s = c->partial ? c->partial : slab_grow(c);
	void *obj;

	if (s == NULL)
		return NULL;
	obj = s->free;
	s->free = *(void **)obj;
	if (s->used++ == 0)
		c->empty--;
	if (s->free == NULL)
		slab_unlink(s);         /* full slabs are found again by address */
	return obj;
}

void cache_free(void *obj)
{
	struct slab *s = (struct slab *)((uintptr_t)obj & ~(uintptr_t)(PAGE_SIZE - 1));
	struct cache *c = s->owner;

	if (s->free == NULL)
		slab_link(c, s);        /* it was full until now */
	*(void **)obj = s->free;
	s->free = obj;
	if (--s->used > 0)
		return;
	if (c->empty > 0) {             /* keep one spare against thrashing */
		slab_unlink(s);
		page_free(s);
	} else {
		c->empty++;
	}
}
