/*
 * System call dispatch and safe access to user memory.
 *
 * The entry stub saves the user registers, switches to the kernel stack and
 * calls syscall_dispatch(). The number indexes a table; an unknown number is
 * an ordinary error rather than a fault. Pointers from user space are mere
 * numbers until they have been checked against the user half of the map.
 */
#include <stdint.h>
#include <stddef.h>

enum { EBADF = 9, EFAULT = 14, EINVAL = 22, ENOSYS = 38 };

#define USER_END 0x0000800000000000ull
#define MAX_FD 32

struct regs { uint64_t nr, arg[6]; };

struct file_ops {
	int64_t (*read)(void *self, void *buf, size_t n);
	int64_t (*write)(void *self, const void *buf, size_t n);
};

struct file { const struct file_ops *ops; void *self; int readable, writable; };

struct process {
	struct file *fds[MAX_FD];
	int exit_code;
};

struct process *current_process(void);
void process_exit(int code) __attribute__((noreturn));
void yield_cpu(void);
/* Assembly; returns bytes NOT copied. A fault inside lands in its fixup. */
size_t copy_user_raw(void *dst, const void *src, size_t n);

static int user_range_ok(uint64_t addr, uint64_t len)
{
	return len <= USER_END && addr <= USER_END - len;
}

int copy_from_user(void *dst, uint64_t src, size_t n)
{
	if (!user_range_ok(src, n))
		return -EFAULT;
	return copy_user_raw(dst, (const void *)(uintptr_t)src, n) ? -EFAULT : 0;
}

int copy_to_user(uint64_t dst, const void *src, size_t n)
{
	if (!user_range_ok(dst, n))
		return -EFAULT;
	return copy_user_raw((void *)(uintptr_t)dst, src, n) ? -EFAULT : 0;
}

static struct file *fd_lookup(uint64_t fd)
{
	return fd < MAX_FD ? current_process()->fds[fd] : NULL;
}

/* Data moves through a small bounce buffer; large requests take turns. */
static int64_t sys_write(const uint64_t *a)
{
	struct file *f = fd_lookup(a[0]);
	uint64_t src = a[1], left = a[2], done = 0;
	uint8_t chunk[256];

	if (f == NULL || !f->writable)
		return -EBADF;
	if (left > INT64_MAX)
		return -EINVAL;
	while (left > 0) {
		size_t n = left < sizeof(chunk) ? (size_t)left : sizeof(chunk);
		int64_t w;

		if (copy_from_user(chunk, src, n) != 0)
			return done ? (int64_t)done : -EFAULT;
		w = f->ops->write(f->self, chunk, n);
		if (w < 0)
			return done ? (int64_t)done : w;
		done += (uint64_t)w;
		src += (uint64_t)w;
		left -= (uint64_t)w;
		if ((size_t)w < n)
			break;          /* a short write is reported, not retried */
	}
	return (int64_t)done;
}

static int64_t sys_read(const uint64_t *a)
{
	struct file *f = fd_lookup(a[0]);
	uint8_t chunk[256];
	size_t n = a[2] < sizeof(chunk) ? (size_t)a[2] : sizeof(chunk);
	int64_t got;

	if (f == NULL || !f->readable)
		return -EBADF;
	got = f->ops->read(f->self, chunk, n);
	if (got > 0 && copy_to_user(a[1], chunk, (size_t)got) != 0)
		return -EFAULT;
	return got;
}

static int64_t sys_exit(const uint64_t *a)
{
	process_exit((int)(a[0] & 0xff));
}

static int64_t sys_yield(const uint64_t *a)
{
	(void)a;
	yield_cpu();
	return 0;
}

typedef int64_t (*syscall_fn)(const uint64_t *args);

static const syscall_fn table[] = {
	[0] = sys_exit,
	[1] = sys_read,
	[2] = sys_write,
	[3] = sys_yield,
};

int64_t syscall_dispatch(struct regs *r)
{
	if (r->nr >= sizeof(table) / sizeof(table[0]) || table[r->nr] == NULL)
		return -ENOSYS;
	return table[r->nr](r->arg);
}

/*
 * x86_64: SYSCALL puts the return address in rcx and the flags in r11, so the
 * fourth argument travels in r10. aarch64: SVC, number in x8, arguments in x0
 * to x5. riscv64: ECALL, number in a7, arguments in a0 to a5; the handler has
 * to add 4 to sepc, or the same instruction would run again.
 */
