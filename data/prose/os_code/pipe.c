/*
 * A pipe: bounded buffer, two wait queues, and the rules at its ends.
 *
 * Readers sleep while the buffer is empty and a writer remains; with the last
 * writer gone, an empty pipe reads as end of file (0). Writers sleep while it
 * is full; with the last reader gone, writing fails with EPIPE, and the
 * caller also receives SIGPIPE. Writes of at most PIPE_ATOMIC bytes are never
 * interleaved with those of others.
 */
#include <stddef.h>
#include <stdint.h>

#define PIPE_SIZE   4096u
#define PIPE_ATOMIC 512u
enum { EAGAIN = 11, EPIPE = 32 };

struct mutex;
struct waitq;

struct pipe {
	struct mutex *lock;
	struct waitq *readable, *writable;
	uint32_t head, tail;            /* free running */
	uint32_t readers, writers;
	uint8_t data[PIPE_SIZE];
};

void mutex_lock(struct mutex *m);
void mutex_unlock(struct mutex *m);
/* Atomically releases the lock and sleeps; holds the lock again on return. */
void waitq_sleep(struct waitq *q, struct mutex *m);
void waitq_wake_all(struct waitq *q);

int64_t pipe_read(struct pipe *p, uint8_t *dst, size_t n, int nonblock)
{
	size_t got = 0;

	mutex_lock(p->lock);
	/* The condition is tested again after each sleep: another reader may
	 * have been faster, and a wake-up is a hint rather than a promise. */
	while (n > 0 && p->head == p->tail) {
		if (p->writers == 0) {
			mutex_unlock(p->lock);
			return 0;
		}
		if (nonblock) {
			mutex_unlock(p->lock);
			return -EAGAIN;
		}
		waitq_sleep(p->readable, p->lock);
	}
	while (got < n && p->tail != p->head)
		dst[got++] = p->data[p->tail++ % PIPE_SIZE];
	waitq_wake_all(p->writable);
	mutex_unlock(p->lock);
	return (int64_t)got;
}

int64_t pipe_write(struct pipe *p, const uint8_t *src, size_t n, int nonblock)
{
	size_t done = 0;

	mutex_lock(p->lock);
	while (done < n) {
		size_t room = PIPE_SIZE - (p->head - p->tail);
		size_t need = n <= PIPE_ATOMIC ? n : 1;

		if (p->readers == 0) {
			mutex_unlock(p->lock);
			return done ? (int64_t)done : -EPIPE;
		}
		if (room < need) {
			if (nonblock) {
				mutex_unlock(p->lock);
				return done ? (int64_t)done : -EAGAIN;
			}
			waitq_sleep(p->writable, p->lock);
			continue;
		}
		while (done < n && p->head - p->tail < PIPE_SIZE)
			p->data[p->head++ % PIPE_SIZE] = src[done++];
		waitq_wake_all(p->readable);
	}
	mutex_unlock(p->lock);
	return (int64_t)done;
}

/* Closing an end must wake the other side, or it would sleep for ever. */
void pipe_close(struct pipe *p, int write_end)
{
	mutex_lock(p->lock);
	if (write_end && --p->writers == 0)
		waitq_wake_all(p->readable);
	if (!write_end && --p->readers == 0)
		waitq_wake_all(p->writable);
	mutex_unlock(p->lock);
}

/*
 * After fork() both processes hold both ends. A shell that forgets to close
 * its copy of the write end keeps the count above zero, and the reader at
 * the end of the pipeline waits for data that nobody will send.
 */
