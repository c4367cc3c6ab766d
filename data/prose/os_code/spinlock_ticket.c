/*
 * Ticket spinlock, with a variant that also masks local interrupts.
 *
 * A plain test-and-set lock is unfair: the core that just released it holds
 * the cache line and tends to win again. Here each core draws a number and
 * waits until it is served, so the order of arrival is the order of entry.
 */
#include <stdatomic.h>
#include <stdint.h>

struct spinlock {
	_Atomic uint32_t next_ticket;
	_Atomic uint32_t now_serving;
};

static inline void cpu_relax(void)
{
#if defined(__x86_64__)
	__asm__ volatile("pause" ::: "memory");
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#else
	__asm__ volatile("" ::: "memory");
#endif
}

void spin_lock(struct spinlock *l)
{
	uint32_t mine = atomic_fetch_add_explicit(&l->next_ticket, 1, memory_order_relaxed);

	/* Acquire: nothing from the critical section may move above this load. */
	while (atomic_load_explicit(&l->now_serving, memory_order_acquire) != mine)
		cpu_relax();
}

int spin_trylock(struct spinlock *l)
{
	uint32_t serving = atomic_load_explicit(&l->now_serving, memory_order_acquire);
	uint32_t expected = serving;

	/* Succeeds only if nobody holds the lock and nobody waits for it. */
	return atomic_compare_exchange_strong_explicit(&l->next_ticket, &expected,
		serving + 1, memory_order_acquire, memory_order_relaxed);
}

void spin_unlock(struct spinlock *l)
{
	uint32_t now = atomic_load_explicit(&l->now_serving, memory_order_relaxed);

	/* Only the holder writes this field, so a plain add is enough. */
	atomic_store_explicit(&l->now_serving, now + 1, memory_order_release);
}

/*
 * If a lock is ever taken from an interrupt handler, every other user must
 * disable interrupts first. Otherwise the handler may interrupt the holder on
 * the same core and spin for a lock that can no longer be released.
 *
 * The previous state is saved rather than assumed, because callers nest.
 */
uintptr_t irq_save(void)
{
	uintptr_t state;

#if defined(__x86_64__)
	__asm__ volatile("pushfq; popq %0; cli" : "=r"(state) : : "memory");
#elif defined(__aarch64__)
	__asm__ volatile("mrs %0, daif; msr daifset, #2" : "=r"(state) : : "memory");
#elif defined(__riscv)
	__asm__ volatile("csrrci %0, sstatus, 2" : "=r"(state) : : "memory");
#else
#error "irq_save: unknown architecture"
#endif
	return state;
}

void irq_restore(uintptr_t state)
{
#if defined(__x86_64__)
	if (state & 0x200)              /* IF */
		__asm__ volatile("sti" : : : "memory");
#elif defined(__aarch64__)
	__asm__ volatile("msr daif, %0" : : "r"(state) : "memory");
#elif defined(__riscv)
	__asm__ volatile("csrs sstatus, %0" : : "r"(state & 2) : "memory");
#endif
}

uintptr_t spin_lock_irqsave(struct spinlock *l)
{
	uintptr_t state = irq_save();

	spin_lock(l);
	return state;
}

void spin_unlock_irqrestore(struct spinlock *l, uintptr_t state)
{
	spin_unlock(l);
	irq_restore(state);             /* release first, then allow interrupts */
}
