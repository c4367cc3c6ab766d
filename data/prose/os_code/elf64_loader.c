/*
 * Loads a static ELF64 executable into a fresh address space.
 *
 * Only program headers matter at run time. PT_LOAD segments say which file
 * bytes go where; memsz may exceed filesz, and the difference is the zeroed
 * .bss. The file comes from outside, so each number is checked before use,
 * in forms that cannot overflow.
 */
#include <stdint.h>
#include <stddef.h>

#define PT_LOAD 1u
#define PF_X 1u
#define PF_W 2u
#define PAGE 4096ull
#define USER_TOP 0x00007ffffffff000ull

struct ehdr {
	uint8_t  ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct phdr {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

_Static_assert(sizeof(struct ehdr) == 64 && sizeof(struct phdr) == 56, "ELF64");

/* Makes [start, end) present and zeroed with the given rights. */
int space_map(void *space, uint64_t start, uint64_t end, int write, int exec);
/* Copies into a mapped range of another address space. */
void space_copy(void *space, uint64_t dst, const void *src, uint64_t len);
void *memcpy(void *dst, const void *src, size_t n);

enum elf_error { ELF_OK, ELF_MAGIC, ELF_MACHINE, ELF_BOUNDS, ELF_RANGE, ELF_WX, ELF_NOMEM };

enum elf_error elf_load(void *space, const uint8_t *file, uint64_t size,
			uint16_t machine, uint64_t *entry)
{
	static const uint8_t magic[7] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
	struct ehdr eh;
	int entry_ok = 0;

	if (size < sizeof(eh))
		return ELF_BOUNDS;
	memcpy(&eh, file, sizeof(eh));          /* the image may be unaligned */
	for (int i = 0; i < 7; i++) {
		if (eh.ident[i] != magic[i])    /* 64-bit, little-endian, version 1 */
			return ELF_MAGIC;
	}
	if (eh.type != 2 || eh.machine != machine)
		return ELF_MACHINE;             /* 62 x86_64, 183 aarch64, 243 riscv */
	if (eh.phentsize != sizeof(struct phdr) || eh.phoff > size ||
	    eh.phnum > (size - eh.phoff) / sizeof(struct phdr))
		return ELF_BOUNDS;

	for (unsigned i = 0; i < eh.phnum; i++) {
		struct phdr ph;
		uint64_t lo, hi;
		int w, x;

		memcpy(&ph, file + eh.phoff + i * sizeof(ph), sizeof(ph));
		if (ph.type != PT_LOAD || ph.memsz == 0)
			continue;
		if (ph.filesz > ph.memsz || ph.offset > size ||
		    ph.filesz > size - ph.offset)
			return ELF_BOUNDS;
		if (ph.vaddr < PAGE || ph.vaddr > USER_TOP ||
		    ph.memsz > USER_TOP - ph.vaddr)
			return ELF_RANGE;
		w = (ph.flags & PF_W) != 0;
		x = (ph.flags & PF_X) != 0;
		if (w && x)
			return ELF_WX;          /* never both writable and executable */

		lo = ph.vaddr & ~(PAGE - 1);
		hi = (ph.vaddr + ph.memsz + PAGE - 1) & ~(PAGE - 1);
		if (space_map(space, lo, hi, w, x) != 0)
			return ELF_NOMEM;
		space_copy(space, ph.vaddr, file + ph.offset, ph.filesz);
		if (x && eh.entry >= ph.vaddr && eh.entry - ph.vaddr < ph.memsz)
			entry_ok = 1;
	}
	if (!entry_ok)
		return ELF_RANGE;
	*entry = eh.entry;
	return ELF_OK;
}
