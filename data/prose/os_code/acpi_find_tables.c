/*
 * Locating ACPI tables.
 *
 * The root pointer carries the signature "RSD PTR " on a 16-byte boundary. On
 * a BIOS machine it lies in the first KiB of the extended BIOS data area or
 * between 0xe0000 and 0xfffff; UEFI passes it in the configuration table.
 * Revision 2 adds a 64-bit XSDT, preferred over the RSDT with 32-bit entries.
 * Every structure sums to zero modulo 256.
 */
#include <stddef.h>
#include <stdint.h>

struct rsdp {
	char     signature[8];
	uint8_t  checksum;
	char     oem[6];
	uint8_t  revision;
	uint32_t rsdt;
	uint32_t length;                /* from here on only if revision >= 2 */
	uint64_t xsdt;
	uint8_t  ext_checksum, reserved[3];
} __attribute__((packed));

struct sdt {
	char     signature[4];
	uint32_t length;
	uint8_t  revision, checksum;
	char     oem[6], oem_table[8];
	uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));

_Static_assert(sizeof(struct rsdp) == 36 && sizeof(struct sdt) == 36, "ACPI layout");

/* Maps physical memory for reading; the identity during early boot. */
const void *phys_map(uint64_t phys, size_t len);
void *memcpy(void *dst, const void *src, size_t n);
int memcmp(const void *a, const void *b, size_t n);

static int sums_to_zero(const void *p, size_t n)
{
	const uint8_t *b = p;
	uint8_t sum = 0;

	while (n--)
		sum += *b++;
	return sum == 0;
}

static const struct rsdp *scan(uint64_t start, uint64_t end)
{
	for (uint64_t at = start; at + 20 <= end; at += 16) {
		const struct rsdp *r = phys_map(at, sizeof(*r));

		if (memcmp(r->signature, "RSD PTR ", 8) == 0 && sums_to_zero(r, 20))
			return r;
	}
	return NULL;
}

const struct rsdp *acpi_find_rsdp_bios(void)
{
	uint16_t segment;
	const struct rsdp *r = NULL;

	/* The word at 0x40e is the real-mode segment of the EBDA. */
	memcpy(&segment, phys_map(0x40e, 2), 2);
	if (segment >= 0x8000 && segment < 0xa000)
		r = scan((uint64_t)segment << 4, ((uint64_t)segment << 4) + 1024);
	return r ? r : scan(0xe0000, 0x100000);
}

const struct sdt *acpi_find_table(const struct rsdp *root, const char *signature)
{
	int wide = root->revision >= 2 && root->xsdt != 0;
	uint64_t at = wide ? root->xsdt : root->rsdt;
	size_t step = wide ? 8 : 4;
	const struct sdt *list = phys_map(at, sizeof(*list));
	const uint8_t *entries;
	size_t n;

	list = phys_map(at, list->length);
	if (list->length < sizeof(*list) || !sums_to_zero(list, list->length))
		return NULL;
	entries = (const uint8_t *)(list + 1);
	n = (list->length - sizeof(*list)) / step;

	for (size_t i = 0; i < n; i++) {
		uint64_t phys = 0;
		const struct sdt *t;

		/* XSDT entries are not naturally aligned: copy, do not cast. */
		memcpy(&phys, entries + i * step, step);
		t = phys_map(phys, sizeof(*t));
		if (memcmp(t->signature, signature, 4) != 0)
			continue;
		t = phys_map(phys, t->length);
		if (t->length >= sizeof(*t) && sums_to_zero(t, t->length))
			return t;
	}
	return NULL;
}

/*
 * "APIC" (MADT) lists processors and interrupt controllers, "MCFG" the ECAM
 * windows of PCI Express, "HPET" an event timer, "FACP" (FADT) the power
 * management registers and, through them, the DSDT with its bytecode.
 */
