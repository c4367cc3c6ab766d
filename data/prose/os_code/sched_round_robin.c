/*
 * Preemptive scheduler with eight priorities, round robin inside each.
 *
 * A bit per priority tells which queues hold something, so choosing the next
 * task is one find-first-set and one dequeue, whatever the number of tasks.
 * All functions here run with interrupts disabled on a single CPU.
 */
#include <stddef.h>
#include <stdint.h>

#define NPRIO 8                 /* 0 is the most urgent */
#define SLICE_TICKS 10

enum task_state { TASK_READY, TASK_RUNNING, TASK_BLOCKED, TASK_DEAD };

struct task {
	void *stack_pointer;            /* written by context_switch */
	struct task *next;
	enum task_state state;
	uint8_t prio;
	uint8_t slice;
	uint64_t ticks_used;
	const char *name;
};

static struct { struct task *head, *tail; } queues[NPRIO];
static uint32_t ready_bits;
static struct task *current;
static struct task *idle;               /* runs when no queue has a task */
static int need_resched;

void context_switch(void **save_sp, void *load_sp);

static void enqueue(struct task *t)
{
	t->next = NULL;
	if (queues[t->prio].tail)
		queues[t->prio].tail->next = t;
	else
		queues[t->prio].head = t;
	queues[t->prio].tail = t;
	ready_bits |= 1u << t->prio;
}

static struct task *dequeue_best(void)
{
	struct task *t;
	int p;

	if (ready_bits == 0)
		return idle;
	p = __builtin_ctz(ready_bits);
	t = queues[p].head;
	queues[p].head = t->next;
	if (queues[p].head == NULL) {
		queues[p].tail = NULL;
		ready_bits &= ~(1u << p);
	}
	return t;
}

void schedule(void)
{
	struct task *prev = current, *next;

	need_resched = 0;
	if (prev->state == TASK_RUNNING && prev != idle) {
		prev->state = TASK_READY;
		enqueue(prev);
	}
	next = dequeue_best();
	next->state = TASK_RUNNING;
	next->slice = SLICE_TICKS;
	if (next == prev)
		return;
	current = next;
	context_switch(&prev->stack_pointer, next->stack_pointer);
	/* When control returns here, some other task has chosen prev again. */
}

/* From the timer interrupt. The switch itself waits for interrupt exit. */
void sched_tick(void)
{
	current->ticks_used++;
	if (current == idle) {
		need_resched = ready_bits != 0;
		return;
	}
	if (--current->slice == 0)
		need_resched = 1;
}

/* Last step of every interrupt return. */
void sched_irq_exit(void)
{
	if (need_resched)
		schedule();
}

void task_block(void)
{
	current->state = TASK_BLOCKED;
	schedule();
}

void task_wake(struct task *t)
{
	if (t->state != TASK_BLOCKED)
		return;                 /* a second wake-up is harmless */
	t->state = TASK_READY;
	enqueue(t);
	if (current == idle || t->prio < current->prio)
		need_resched = 1;
}

void sched_start(struct task *idle_task)
{
	idle = idle_task;
	idle->state = TASK_RUNNING;
	current = idle;
}
