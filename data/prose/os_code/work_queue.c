/*
 * Deferred work: functions queued by interrupt handlers, run by a thread.
 *
 * An item sits in the queue at most once. Queueing it again while it waits
 * has no effect; queueing it while it runs makes it run once more, so an
 * event that arrives during processing is never lost.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spinlock { volatile uint32_t v; };
uintptr_t spin_lock_irqsave(struct spinlock *l);
void spin_unlock_irqrestore(struct spinlock *l, uintptr_t flags);
void thread_sleep_until_woken(void);    /* a pending wake-up returns at once */
void thread_wake(void *thread);
void thread_yield(void);

struct work {
	void (*fn)(struct work *w);
	struct work *next;
	bool queued;
};

struct workqueue {
	struct spinlock lock;
	struct work *head, **tail;
	struct work *running;
	void *thread;
	uint32_t longest;               /* high-water mark, for statistics */
	uint32_t length;
};

void workqueue_init(struct workqueue *q, void *thread)
{
	*q = (struct workqueue){ .tail = &q->head, .thread = thread };
}

/* Callable from any context. Returns false if the item was waiting already. */
bool work_queue(struct workqueue *q, struct work *w)
{
	uintptr_t flags = spin_lock_irqsave(&q->lock);
	bool fresh = !w->queued;

	if (fresh) {
		w->queued = true;
		w->next = NULL;
		*q->tail = w;
		q->tail = &w->next;
		if (++q->length > q->longest)
			q->longest = q->length;
	}
	spin_unlock_irqrestore(&q->lock, flags);
	if (fresh)
		thread_wake(q->thread);
	return fresh;
}

void workqueue_thread(struct workqueue *q)
{
	for (;;) {
		uintptr_t flags = spin_lock_irqsave(&q->lock);
		struct work *w = q->head;

		if (w != NULL) {
			q->head = w->next;
			if (q->head == NULL)
				q->tail = &q->head;
			q->length--;
			/* Cleared before the call, so that fn may queue itself. */
			w->queued = false;
			q->running = w;
		}
		spin_unlock_irqrestore(&q->lock, flags);
		if (w == NULL) {
			thread_sleep_until_woken();
			continue;
		}
		w->fn(w);               /* w may be freed by its own function */
		flags = spin_lock_irqsave(&q->lock);
		q->running = NULL;
		spin_unlock_irqrestore(&q->lock, flags);
	}
}

/*
 * Removes an item and waits until it is not running either. A driver calls
 * this before it frees the structure that contains the item, after having
 * made sure that nothing can queue it again. Calling it from the item's own
 * function would wait for ever.
 */
void work_cancel_sync(struct workqueue *q, struct work *w)
{
	uintptr_t flags = spin_lock_irqsave(&q->lock);

	for (struct work **p = &q->head; *p; p = &(*p)->next) {
		if (*p == w) {
			*p = w->next;
			if (q->tail == &w->next)
				q->tail = p;
			w->queued = false;
			q->length--;
			break;
		}
	}
	while (q->running == w) {
		spin_unlock_irqrestore(&q->lock, flags);
		thread_yield();
		flags = spin_lock_irqsave(&q->lock);
	}
	spin_unlock_irqrestore(&q->lock, flags);
}
