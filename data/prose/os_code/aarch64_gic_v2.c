/*
 * GICv2: distributor and CPU interface for aarch64.
 *
 * Interrupt numbers 0-15 are software generated (between cores), 16-31 are
 * private to a core (its timer among them), 32 and up are shared peripherals.
 * A device tree writes an SPI as <0 n flags> and a PPI as <1 n flags>, where
 * n is counted from the start of its range: SPI 1 is interrupt 33.
 */
#include <stdint.h>

#define GICD_CTLR          0x000
#define GICD_TYPER         0x004
#define GICD_ISENABLER(n)  (0x100 + 4 * (n))
#define GICD_ICENABLER(n)  (0x180 + 4 * (n))
#define GICD_IPRIORITYR    0x400        /* one byte per interrupt */
#define GICD_ITARGETSR     0x800        /* one byte per interrupt: CPU mask */
#define GICD_ICFGR(n)      (0xc00 + 4 * (n))
#define GICD_SGIR          0xf00

#define GICC_CTLR          0x000
#define GICC_PMR           0x004
#define GICC_IAR           0x00c
#define GICC_EOIR          0x010

#define IRQ_SPURIOUS       1023u

static uintptr_t dist, cpuif;
static unsigned n_irqs;

typedef void (*irq_fn)(unsigned irq, void *arg);
static struct { irq_fn fn; void *arg; } table[1020];

static inline uint32_t rd(uintptr_t a) { return *(volatile uint32_t *)a; }
static inline void wr(uintptr_t a, uint32_t v) { *(volatile uint32_t *)a = v; }
static inline void wr8(uintptr_t a, uint8_t v) { *(volatile uint8_t *)a = v; }

void gic_init(uintptr_t dist_base, uintptr_t cpu_base)
{
	dist = dist_base;
	cpuif = cpu_base;
	n_irqs = 32 * ((rd(dist + GICD_TYPER) & 31) + 1);
	if (n_irqs > 1020)
		n_irqs = 1020;

	wr(dist + GICD_CTLR, 0);
	for (unsigned i = 32; i < n_irqs; i += 32)
		wr(dist + GICD_ICENABLER(i / 32), 0xffffffffu);
	for (unsigned i = 32; i < n_irqs; i++) {
		wr8(dist + GICD_IPRIORITYR + i, 0xa0);
		wr8(dist + GICD_ITARGETSR + i, 0x01);   /* core 0 */
	}
	wr(dist + GICD_CTLR, 1);
	wr(cpuif + GICC_PMR, 0xff);             /* mask nothing by priority */
	wr(cpuif + GICC_CTLR, 1);
}

int gic_enable(unsigned irq, int edge, irq_fn fn, void *arg)
{
	uint32_t cfg;

	if (irq >= n_irqs)
		return -1;
	table[irq].arg = arg;
	table[irq].fn = fn;
	if (irq >= 32) {
		/* Two bits each; the upper one selects edge triggering. */
		cfg = rd(dist + GICD_ICFGR(irq / 16));
		cfg &= ~(2u << (2 * (irq % 16)));
		cfg |= (edge ? 2u : 0u) << (2 * (irq % 16));
		wr(dist + GICD_ICFGR(irq / 16), cfg);
	}
	wr(dist + GICD_ISENABLER(irq / 32), 1u << (irq % 32));
	return 0;
}

/* Interrupts another core, or a set of them given as a bit mask. */
void gic_send_ipi(uint8_t cpu_mask, unsigned sgi)
{
	wr(dist + GICD_SGIR, (uint32_t)cpu_mask << 16 | (sgi & 15));
}

/* From the IRQ vector. */
void gic_interrupt(void)
{
	for (;;) {
		uint32_t iar = rd(cpuif + GICC_IAR);
		unsigned irq = iar & 0x3ff;

		if (irq >= 1020)
			return;                 /* 1023: nothing pending any more */
		if (table[irq].fn)
			table[irq].fn(irq, table[irq].arg);
		/* The whole value goes back: for SGIs it names the sender. */
		wr(cpuif + GICC_EOIR, iar);
	}
}

_Static_assert(IRQ_SPURIOUS >= 1020, "special interrupt numbers");
