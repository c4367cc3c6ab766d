/*
 * PCI enumeration through configuration mechanism #1.
 *
 * A dword written to port 0xcf8 selects bus, device, function and register;
 * port 0xcfc then reads or writes the register. Only the first 256 bytes of
 * each function can be reached this way. The extended space needs ECAM.
 */
#include <stdint.h>

#define PCI_ADDRESS     0xcf8
#define PCI_DATA        0xcfc

#define REG_ID          0x00    /* vendor in the low half, device in the high */
#define REG_CLASS       0x08    /* revision, prog-if, subclass, class */
#define REG_HEADER      0x0c    /* header type is byte 2 */
#define REG_BUSES       0x18    /* bridges: primary, secondary, subordinate */

struct pci_function {
	uint8_t  bus, dev, fn;
	uint16_t vendor, device;
	uint8_t  class_code, subclass, prog_if;
};

typedef void (*pci_visit)(const struct pci_function *f, void *ctx);

static inline void outl(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}

static inline uint32_t inl(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

uint32_t pci_read32(uint8_t bus, uint8_t dev, uint8_t fn, uint8_t reg)
{
	outl(PCI_ADDRESS, 0x80000000u | (uint32_t)bus << 16 |
	     (uint32_t)(dev & 31) << 11 | (uint32_t)(fn & 7) << 8 | (reg & 0xfc));
	return inl(PCI_DATA);
}

static void scan_bus(uint8_t bus, unsigned depth, pci_visit visit, void *ctx);

static void scan_function(uint8_t bus, uint8_t dev, uint8_t fn,
			  unsigned depth, pci_visit visit, void *ctx)
{
	uint32_t id = pci_read32(bus, dev, fn, REG_ID);
	uint32_t cls = pci_read32(bus, dev, fn, REG_CLASS);
	struct pci_function f = {
		.bus = bus, .dev = dev, .fn = fn,
		.vendor = id & 0xffff, .device = id >> 16,
		.class_code = cls >> 24,
		.subclass = (cls >> 16) & 0xff,
		.prog_if = (cls >> 8) & 0xff,
	};

	visit(&f, ctx);

	/* Class 06, subclass 04 is a PCI-to-PCI bridge: look behind it. */
	if (f.class_code == 0x06 && f.subclass == 0x04) {
		uint8_t secondary = (pci_read32(bus, dev, fn, REG_BUSES) >> 8) & 0xff;

		/* An unprogrammed bridge says bus 0; following it would loop. */
		if (secondary > bus && depth < 16)
			scan_bus(secondary, depth + 1, visit, ctx);
	}
}

static void scan_bus(uint8_t bus, unsigned depth, pci_visit visit, void *ctx)
{
	for (uint8_t dev = 0; dev < 32; dev++) {
		/* Vendor ffff is what an empty slot answers. */
		if ((pci_read32(bus, dev, 0, REG_ID) & 0xffff) == 0xffff)
			continue;
		scan_function(bus, dev, 0, depth, visit, ctx);

		/* Functions 1 to 7 may be decoded only if header bit 7 is set. */
		if (!(pci_read32(bus, dev, 0, REG_HEADER) & 0x00800000u))
			continue;
		for (uint8_t fn = 1; fn < 8; fn++) {
			if ((pci_read32(bus, dev, fn, REG_ID) & 0xffff) != 0xffff)
				scan_function(bus, dev, fn, depth, visit, ctx);
		}
	}
}

void pci_enumerate(pci_visit visit, void *ctx)
{
	scan_bus(0, 0, visit, ctx);
}
