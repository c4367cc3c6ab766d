/*
 * Matching devices with drivers.
 *
 * A driver publishes a table of the identifiers it supports; the bus code
 * walks the tables for each function found. Wildcards allow a class driver,
 * such as one for every AHCI or xHCI controller, next to drivers for a single
 * part number. A more exact entry beats a class entry.
 */
#include <stddef.h>
#include <stdint.h>

#define ANY_ID 0xffffu

struct pci_id {
	uint16_t vendor, device;
	uint32_t cls, cls_mask;         /* 24 bits: class, subclass, interface */
};

struct device {
	uint16_t vendor, device;
	uint32_t cls;
	const struct driver *driver;
	void *driver_data;
};

struct driver {
	const char *name;
	const struct pci_id *ids;       /* ends with an all-zero entry */
	int (*probe)(struct device *dev, const struct pci_id *id);
	void (*remove)(struct device *dev);
	struct driver *next;
};

static struct driver *drivers;

static int id_matches(const struct pci_id *id, const struct device *dev)
{
	if (id->vendor != ANY_ID && id->vendor != dev->vendor)
		return 0;
	if (id->device != ANY_ID && id->device != dev->device)
		return 0;
	return ((id->cls ^ dev->cls) & id->cls_mask) == 0;
}

/* Exact part: 3. Vendor only: 2. Class only: 1. */
static int id_rank(const struct pci_id *id)
{
	if (id->device != ANY_ID)
		return 3;
	return id->vendor != ANY_ID ? 2 : 1;
}

void driver_register(struct driver *drv)
{
	drv->next = drivers;
	drivers = drv;
}

/*
 * Tries candidates from best to worst. A driver may look closer in probe()
 * and decline with a negative value, for instance after reading a revision
 * register; the next candidate then gets its turn.
 */
int device_attach(struct device *dev)
{
	for (int rank = 3; rank >= 1; rank--) {
		for (struct driver *drv = drivers; drv; drv = drv->next) {
			for (const struct pci_id *id = drv->ids;
			     id->vendor || id->cls_mask; id++) {
				if (id_rank(id) != rank || !id_matches(id, dev))
					continue;
				dev->driver = drv;
				if (drv->probe(dev, id) == 0)
					return 0;
				dev->driver = NULL;
				dev->driver_data = NULL;
				break;
			}
		}
	}
	return -1;
}

/* Two tables as they appear in practice. */
const struct pci_id e1000_ids[] = {
	{ 0x8086, 0x100e, 0, 0 },       /* 82540EM, the adapter QEMU emulates */
	{ 0x8086, 0x100f, 0, 0 },       /* 82545EM, copper */
	{ 0, 0, 0, 0 },
};

const struct pci_id ahci_ids[] = {
	/* mass storage 01, SATA 06, AHCI programming interface 01 */
	{ ANY_ID, ANY_ID, 0x010601, 0xffffff },
	{ 0, 0, 0, 0 },
};

/*
 * A hot-unplugged device vanishes while its driver may be waiting on it.
 * Reads then return all ones, so loops over status registers need a bound,
 * and remove() must not expect the hardware to acknowledge anything.
 */
