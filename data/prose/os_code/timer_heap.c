/*
 * One-shot kernel timers in a binary min-heap.
 *
 * The hardware timer is programmed for the earliest deadline only. Insert and
 * cancel cost O(log n); looking at the next deadline is free. Each timer knows
 * its slot, which is what makes cancelling possible without a search.
 */
#include <stdint.h>

#define MAX_TIMERS 128
#define NOT_QUEUED (-1)

struct ktimer {
	uint64_t deadline;              /* nanoseconds of the monotonic clock */
	void (*fn)(struct ktimer *t);
	int slot;
};

static struct ktimer *heap[MAX_TIMERS];
static int count;

uint64_t clock_now(void);
void clock_arm(uint64_t deadline);      /* a past deadline fires at once */
void clock_disarm(void);

static void put(struct ktimer *t, int slot)
{
	heap[slot] = t;
	t->slot = slot;
}

static void sift_up(struct ktimer *t, int slot)
{
	while (slot > 0) {
		int parent = (slot - 1) / 2;

		if (heap[parent]->deadline <= t->deadline)
			break;
		put(heap[parent], slot);
		slot = parent;
	}
	put(t, slot);
}

static void sift_down(struct ktimer *t, int slot)
{
	for (;;) {
		int child = 2 * slot + 1;

		if (child >= count)
			break;
		if (child + 1 < count && heap[child + 1]->deadline < heap[child]->deadline)
			child++;
		if (t->deadline <= heap[child]->deadline)
			break;
		put(heap[child], slot);
		slot = child;
	}
	put(t, slot);
}

static void rearm(void)
{
	if (count > 0)
		clock_arm(heap[0]->deadline);
	else
		clock_disarm();
}

static void unlink_slot(int slot)
{
	struct ktimer *gone = heap[slot], *last = heap[--count];

	gone->slot = NOT_QUEUED;
	if (gone == last)
		return;
	/* The replacement may belong above or below: try both directions. */
	if (slot > 0 && last->deadline < heap[(slot - 1) / 2]->deadline)
		sift_up(last, slot);
	else
		sift_down(last, slot);
}

/* A timer's slot must be NOT_QUEUED before its first use. */
int timer_start(struct ktimer *t, uint64_t delay_ns)
{
	if (t->slot != NOT_QUEUED)
		unlink_slot(t->slot);   /* restarting moves the deadline */
	if (count == MAX_TIMERS) {
		rearm();
		return -1;
	}
	t->deadline = clock_now() + delay_ns;
	count++;
	sift_up(t, count - 1);
	rearm();
	return 0;
}

void timer_cancel(struct ktimer *t)
{
	if (t->slot == NOT_QUEUED)
		return;
	unlink_slot(t->slot);
	rearm();
}

/* Timer interrupt. A callback may start its own timer again. */
void timer_interrupt(void)
{
	uint64_t now = clock_now();

	while (count > 0 && heap[0]->deadline <= now) {
		struct ktimer *t = heap[0];

		unlink_slot(0);
		t->fn(t);
	}
	rearm();
}
