/*
 * Interrupt descriptor table and common trap handler for x86_64.
 *
 * A gate names a code segment, a handler address split in three pieces, and
 * a type: 0xe is an interrupt gate, which clears IF on entry. Some exceptions
 * push an error code and others do not; the stubs push a zero for the latter
 * so that one frame layout serves every vector.
 */
#include <stdint.h>

struct gate {
	uint16_t off_low, selector;
	uint8_t  ist, type_attr;
	uint16_t off_mid;
	uint32_t off_high, reserved;
} __attribute__((packed));

struct idt_pointer {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

/* In memory order: what the stub pushed last comes first. */
struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
	uint64_t rbp, rdi, rsi, rdx, rcx, rbx, rax;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

typedef void (*irq_handler)(struct trap_frame *tf, void *ctx);

static struct gate idt[256] __attribute__((aligned(16)));
static struct { irq_handler fn; void *ctx; } handlers[256];

extern const uint64_t trap_stubs[256];  /* addresses, from the assembly file */
void panic(const char *why, struct trap_frame *tf);
void page_fault(struct trap_frame *tf, uint64_t address);
void apic_eoi(void);

static void set_gate(unsigned vector, uint64_t entry, uint8_t ist, uint8_t dpl)
{
	idt[vector] = (struct gate){
		.off_low = entry & 0xffff,
		.off_mid = (entry >> 16) & 0xffff,
		.off_high = (uint32_t)(entry >> 32),
		.selector = 0x08,                       /* kernel code */
		.ist = ist & 7,
		.type_attr = 0x80 | (uint8_t)(dpl << 5) | 0x0e,
	};
}

void idt_init(void)
{
	struct idt_pointer ptr = { sizeof(idt) - 1, (uint64_t)(uintptr_t)idt };

	for (unsigned v = 0; v < 256; v++)
		set_gate(v, trap_stubs[v], 0, 0);
	/* A double fault may come from a ruined stack: give it one of its own. */
	set_gate(8, trap_stubs[8], 1, 0);
	/* A debugger in user mode may execute int3. */
	set_gate(3, trap_stubs[3], 0, 3);
	__asm__ volatile("lidt %0" : : "m"(ptr));
}

void irq_register(unsigned vector, irq_handler fn, void *ctx)
{
	handlers[vector].ctx = ctx;
	handlers[vector].fn = fn;
}

/* Called by every stub with a pointer to the saved registers. */
void trap_dispatch(struct trap_frame *tf)
{
	uint64_t cr2;

	if (tf->vector >= 32) {
		if (handlers[tf->vector].fn)
			handlers[tf->vector].fn(tf, handlers[tf->vector].ctx);
		if (tf->vector != 0xff)         /* the spurious vector takes no EOI */
			apic_eoi();
		return;
	}
	switch (tf->vector) {
	case 14:
		/* CR2 must be read before another fault can overwrite it. */
		__asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
		page_fault(tf, cr2);
		return;
	case 3:
		return;
	default:
		panic(tf->vector == 13 ? "general protection" : "exception", tf);
	}
}

/*
 * One stub, for a vector without an error code:
 *
 *     push $0 ; push $VECTOR ; jmp trap_common
 * trap_common:
 *     push %rax ... push %r15
 *     cld
 *     mov %rsp, %rdi
 *     call trap_dispatch
 *     pop %r15 ... pop %rax
 *     add $16, %rsp          # drop vector and error code
 *     iretq
 *
 * Entry from user mode also needs swapgs before the kernel touches per-CPU
 * data, and once more on the way out.
 */
