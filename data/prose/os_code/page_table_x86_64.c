/*
 * Four-level page tables for x86_64.
 *
 * A canonical 48-bit address splits into four 9-bit indices and a 12-bit
 * offset. Each table is one 4 KiB page of 512 entries. Bit 7 in a level-2
 * entry makes it a 2 MiB leaf; in a level-3 entry, a 1 GiB leaf.
 */
#include <stddef.h>
#include <stdint.h>

#define PTE_PRESENT   (1ull << 0)
#define PTE_WRITE     (1ull << 1)
#define PTE_USER      (1ull << 2)
#define PTE_NOCACHE   (1ull << 4)
#define PTE_LARGE     (1ull << 7)
#define PTE_GLOBAL    (1ull << 8)
#define PTE_NX        (1ull << 63)
#define PTE_ADDR      0x000ffffffffff000ull

#define PAGE_SIZE     4096ull

/* Supplied by the frame allocator: a zeroed 4 KiB frame, or 0 when empty. */
uint64_t frame_alloc_zeroed(void);

/* All physical memory is visible at this offset in the kernel's map. */
static uint64_t direct_map_base = 0xffff800000000000ull;

static uint64_t *table_at(uint64_t phys)
{
	return (uint64_t *)(uintptr_t)(direct_map_base + phys);
}

static unsigned index_at(uint64_t virt, int level)
{
	return (virt >> (12 + 9 * (level - 1))) & 511;
}

/*
 * Walks down to level 1, creating tables when asked. Intermediate entries
 * are as permissive as possible, because the processor takes the AND of the
 * write and user bits over all levels: the leaf alone then decides.
 */
static uint64_t *walk(uint64_t root, uint64_t virt, int create)
{
	uint64_t table = root;

	for (int level = 4; level > 1; level--) {
		uint64_t *e = &table_at(table)[index_at(virt, level)];

		if (!(*e & PTE_PRESENT)) {
			uint64_t fresh;

			if (!create)
				return NULL;
			fresh = frame_alloc_zeroed();
			if (fresh == 0)
				return NULL;
			*e = fresh | PTE_PRESENT | PTE_WRITE | PTE_USER;
		} else if (*e & PTE_LARGE) {
			return NULL;    /* covered by a large page: caller must split it */
		}
		table = *e & PTE_ADDR;
	}
	return &table_at(table)[index_at(virt, 1)];
}

/* 0 on success, -1 out of frames or large page in the way, -2 already mapped. */
int page_map(uint64_t root, uint64_t virt, uint64_t phys, uint64_t flags)
{
	uint64_t *leaf = walk(root, virt, 1);

	if (leaf == NULL)
		return -1;
	if (*leaf & PTE_PRESENT)
		return -2;
	*leaf = (phys & PTE_ADDR) | flags | PTE_PRESENT;
	return 0;       /* not-present entries are never cached: no flush needed */
}

/* Returns the frame that was mapped, so that the owner can release it. */
uint64_t page_unmap(uint64_t root, uint64_t virt)
{
	uint64_t *leaf = walk(root, virt, 0);
	uint64_t phys;

	if (leaf == NULL || !(*leaf & PTE_PRESENT))
		return 0;
	phys = *leaf & PTE_ADDR;
	*leaf = 0;
	__asm__ volatile("invlpg (%0)" : : "r"((uintptr_t)virt) : "memory");
	return phys;
}

/* Translates through leaves of every size. Returns ~0 for an absent page. */
uint64_t page_translate(uint64_t root, uint64_t virt)
{
	uint64_t table = root;

	for (int level = 4; level >= 1; level--) {
		uint64_t e = table_at(table)[index_at(virt, level)];
		uint64_t span = PAGE_SIZE << (9 * (level - 1));

		if (!(e & PTE_PRESENT))
			return ~0ull;
		if (level == 1 || (level < 4 && (e & PTE_LARGE)))
			return (e & PTE_ADDR & ~(span - 1)) | (virt & (span - 1));
		table = e & PTE_ADDR;
	}
	return ~0ull;
}
