/*
 * Wait queues and a sleeping mutex.
 *
 * The danger in "test, then sleep" is the lost wake-up: the event happens
 * after the test and before the sleep. The cure is to join the queue first,
 * and to do test and sleep under the lock that the waker also takes.
 */
#include <stddef.h>
#include <stdint.h>

struct spinlock { volatile uint32_t v; };
struct task;

struct waiter {
	struct task *task;
	struct waiter *next;
	int woken;
};

struct waitq {
	struct spinlock lock;
	struct waiter *head, **tail;
};

uintptr_t spin_lock_irqsave(struct spinlock *l);
void spin_unlock_irqrestore(struct spinlock *l, uintptr_t flags);
struct task *task_self(void);
/* Marks the task blocked; the switch happens in task_suspend(). A wake-up
 * between the two makes task_suspend() return at once. */
void task_mark_blocked(struct task *t);
void task_suspend(void);
void task_wake(struct task *t);

void waitq_init(struct waitq *q)
{
	q->lock.v = 0;
	q->head = NULL;
	q->tail = &q->head;
}

/* Enters with q->lock held and returns with it held again. */
static uintptr_t sleep_locked(struct waitq *q, uintptr_t flags)
{
	struct waiter w = { task_self(), NULL, 0 };     /* on the sleeper's stack */

	*q->tail = &w;
	q->tail = &w.next;
	while (!w.woken) {
		task_mark_blocked(w.task);
		spin_unlock_irqrestore(&q->lock, flags);
		task_suspend();
		flags = spin_lock_irqsave(&q->lock);
	}
	return flags;
}

/* First come, first served. The waiter is gone once woken is set. */
static int wake_one_locked(struct waitq *q)
{
	struct waiter *w = q->head;
	struct task *t;

	if (w == NULL)
		return 0;
	q->head = w->next;
	if (q->head == NULL)
		q->tail = &q->head;
	t = w->task;                    /* read before the stack frame may vanish */
	w->woken = 1;
	task_wake(t);
	return 1;
}

struct mutex {
	struct waitq q;
	struct task *owner;
};

void mutex_init(struct mutex *m)
{
	waitq_init(&m->q);
	m->owner = NULL;
}

void mutex_lock(struct mutex *m)
{
	uintptr_t flags = spin_lock_irqsave(&m->q.lock);

	if (m->owner == NULL)
		m->owner = task_self();
	else
		flags = sleep_locked(&m->q, flags);     /* wakes up as the owner */
	spin_unlock_irqrestore(&m->q.lock, flags);
}

void mutex_unlock(struct mutex *m)
{
	uintptr_t flags = spin_lock_irqsave(&m->q.lock);

	/*
	 * Direct hand-over: the lock never looks free while somebody waits, so
	 * a newcomer cannot overtake the queue. The price is that the lock
	 * stays idle until the new owner gets a core.
	 */
	m->owner = m->q.head ? m->q.head->task : NULL;
	wake_one_locked(&m->q);
	spin_unlock_irqrestore(&m->q.lock, flags);
}

/* A counting semaphore needs nothing more than a number. */
struct semaphore { struct waitq q; uint32_t count; };

void sem_down(struct semaphore *s)
{
	uintptr_t flags = spin_lock_irqsave(&s->q.lock);

	if (s->count > 0)
		s->count--;
	else
		flags = sleep_locked(&s->q, flags);     /* the unit was passed on */
	spin_unlock_irqrestore(&s->q.lock, flags);
}

/* Usable from an interrupt handler: it never sleeps. */
void sem_up(struct semaphore *s)
{
	uintptr_t flags = spin_lock_irqsave(&s->q.lock);

	if (!wake_one_locked(&s->q))
		s->count++;
	spin_unlock_irqrestore(&s->q.lock, flags);
}
