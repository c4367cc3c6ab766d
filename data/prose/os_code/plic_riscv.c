/*
 * Platform-level interrupt controller, as on QEMU's riscv64 "virt" board.
 *
 * Each source has a priority (0 never interrupts). Each context, one per hart
 * and privilege level, has enable bits, a threshold, and a claim register:
 * reading it returns the most urgent pending source and marks it taken,
 * writing the same number back completes it.
 */
#include <stdint.h>

#define PLIC_PRIORITY(src)     (4ul * (src))
#define PLIC_ENABLE(ctx, src)  (0x2000ul + 0x80ul * (ctx) + 4ul * ((src) / 32))
#define PLIC_THRESHOLD(ctx)    (0x200000ul + 0x1000ul * (ctx))
#define PLIC_CLAIM(ctx)        (0x200004ul + 0x1000ul * (ctx))

#define MAX_SOURCE 128

static uintptr_t plic_base;             /* "reg" of the sifive,plic-1.0.0 node */
static unsigned  plic_ctx;              /* S-mode context of this hart */

static struct {
	void (*fn)(unsigned src, void *arg);
	void *arg;
	uint32_t count;
} sources[MAX_SOURCE];

static volatile uint32_t *reg(unsigned long offset)
{
	return (volatile uint32_t *)(plic_base + offset);
}

/*
 * The mapping from hart to context comes from interrupts-extended in the
 * device tree. On "virt" context 2h is machine mode of hart h and 2h + 1 is
 * supervisor mode; other boards have a monitor core without S-mode, which
 * shifts the numbers.
 */
void plic_init(uintptr_t base, unsigned ctx)
{
	plic_base = base;
	plic_ctx = ctx;
	for (unsigned src = 1; src < MAX_SOURCE; src++) {
		*reg(PLIC_PRIORITY(src)) = 0;
		*reg(PLIC_ENABLE(ctx, src)) &= ~(1u << (src % 32));
	}
	*reg(PLIC_THRESHOLD(ctx)) = 0;  /* let every nonzero priority through */
}

int plic_request(unsigned src, unsigned priority,
		 void (*fn)(unsigned, void *), void *arg)
{
	if (src == 0 || src >= MAX_SOURCE || sources[src].fn)
		return -1;              /* source 0 does not exist */
	sources[src].arg = arg;
	sources[src].fn = fn;
	*reg(PLIC_PRIORITY(src)) = priority ? priority : 1;
	*reg(PLIC_ENABLE(plic_ctx, src)) |= 1u << (src % 32);
	return 0;
}

void plic_release(unsigned src)
{
	*reg(PLIC_ENABLE(plic_ctx, src)) &= ~(1u << (src % 32));
	sources[src].fn = 0;
}

/* Called for supervisor external interrupts. Zero means nothing is left. */
void plic_interrupt(void)
{
	uint32_t src;

	while ((src = *reg(PLIC_CLAIM(plic_ctx))) != 0) {
		if (src < MAX_SOURCE && sources[src].fn) {
			sources[src].count++;
			sources[src].fn(src, sources[src].arg);
		}
		/* Completion for a source that is disabled here is ignored by the
		 * hardware, so a handler must not disable its own source first. */
		*reg(PLIC_CLAIM(plic_ctx)) = src;
	}
}
