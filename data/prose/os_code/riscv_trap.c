/*
 * Supervisor-mode traps on riscv64, with console and timer through SBI.
 *
 * The kernel runs in S-mode; M-mode firmware such as OpenSBI sits below and
 * answers ECALL. scause has its top bit set for interrupts. The timer pending
 * bit cannot be cleared directly: it goes away when the next deadline is set.
 */
#include <stdint.h>

#define CAUSE_INTERRUPT   (1ull << 63)
#define IRQ_S_SOFT        1
#define IRQ_S_TIMER       5
#define IRQ_S_EXTERNAL    9
#define EXC_BREAKPOINT    3
#define EXC_ECALL_U       8
#define EXC_INST_PAGE     12
#define EXC_LOAD_PAGE     13
#define EXC_STORE_PAGE    15

#define SBI_EXT_TIME      0x54494d45    /* "TIME" */
#define SBI_EXT_DBCN      0x4442434e    /* "DBCN", debug console, SBI 2.0 */
#define SBI_EXT_SRST      0x53525354    /* "SRST", system reset */

struct trap_regs {
	uint64_t x[32];                 /* x[0] unused */
	uint64_t sepc, sstatus;
};

struct sbiret { long error, value; };

void external_interrupt(void);
int  user_fault(uint64_t address, uint64_t cause);
void user_syscall(struct trap_regs *r);
void sched_tick(void);
void panic(const char *why, uint64_t cause, uint64_t value);

#if defined(__riscv)
struct sbiret sbi_call(long ext, long fn, long arg0, long arg1, long arg2)
{
	register long a0 __asm__("a0") = arg0;
	register long a1 __asm__("a1") = arg1;
	register long a2 __asm__("a2") = arg2;
	register long a6 __asm__("a6") = fn;
	register long a7 __asm__("a7") = ext;

	__asm__ volatile("ecall" : "+r"(a0), "+r"(a1)
			 : "r"(a2), "r"(a6), "r"(a7) : "memory");
	return (struct sbiret){ a0, a1 };
}

static uint64_t read_time(void)
{
	uint64_t t;

	__asm__ volatile("rdtime %0" : "=r"(t));
	return t;
}
#else
struct sbiret sbi_call(long ext, long fn, long arg0, long arg1, long arg2);
uint64_t read_time(void);
#endif

static uint64_t tick_interval;          /* timebase-frequency / HZ, from the device tree */

void timer_init(uint64_t timebase_hz, unsigned hz)
{
	tick_interval = timebase_hz / hz;
	sbi_call(SBI_EXT_TIME, 0, (long)(read_time() + tick_interval), 0, 0);
}

void console_putc(char c)
{
	sbi_call(SBI_EXT_DBCN, 2, (long)c, 0, 0);       /* write one byte */
}

void machine_off(void)
{
	sbi_call(SBI_EXT_SRST, 0, 0, 0, 0);             /* shutdown, no reason */
}

void trap_handle(struct trap_regs *r, uint64_t scause, uint64_t stval)
{
	if (scause & CAUSE_INTERRUPT) {
		switch (scause & ~CAUSE_INTERRUPT) {
		case IRQ_S_TIMER:
			sbi_call(SBI_EXT_TIME, 0, (long)(read_time() + tick_interval), 0, 0);
			sched_tick();
			return;
		case IRQ_S_EXTERNAL:
			external_interrupt();   /* claim from the PLIC */
			return;
		case IRQ_S_SOFT:
			return;                 /* the stub cleared sip.SSIP */
		}
		panic("unexpected interrupt", scause, stval);
		return;
	}
	switch (scause) {
	case EXC_ECALL_U:
		r->sepc += 4;
		user_syscall(r);
		return;
	case EXC_INST_PAGE:
	case EXC_LOAD_PAGE:
	case EXC_STORE_PAGE:
		/* SPP clear means the trap came from user mode. */
		if (!(r->sstatus & (1u << 8)) && user_fault(stval, scause) == 0)
			return;
		panic("page fault", scause, stval);
		return;
	case EXC_BREAKPOINT:
		/* c.ebreak is two bytes long; the low bits of the opcode tell. */
		r->sepc += (*(const uint16_t *)(uintptr_t)r->sepc & 3) == 3 ? 4 : 2;
		return;
	default:
		panic("exception", scause, stval);
	}
}
