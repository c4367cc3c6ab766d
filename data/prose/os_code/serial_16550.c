/*
 * Polled console on a 16550-compatible UART.
 *
 * Eight registers sit at consecutive I/O ports. Offsets 0 and 1 change their
 * meaning with bit 7 of the line control register (DLAB): with it set they
 * hold the low and high byte of the divisor, with it clear they are the data
 * and interrupt-enable registers. The usual clock is 1.8432 MHz, which after
 * the fixed division by 16 gives 115200 baud at divisor 1.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COM1            0x3f8
#define UART_DATA       0       /* read: receive, write: transmit */
#define UART_IER        1
#define UART_FCR        2       /* write only; the same offset reads IIR */
#define UART_LCR        3
#define UART_MCR        4
#define UART_LSR        5

#define LCR_8N1         0x03
#define LCR_DLAB        0x80
#define LSR_DATA_READY  0x01
#define LSR_THR_EMPTY   0x20
#define MCR_DTR_RTS     0x03
#define MCR_LOOP        0x10

static inline void outb(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

/* A missing chip reads as 0xff everywhere, so prove presence by loopback. */
bool uart_init(uint16_t base, uint32_t baud)
{
	uint16_t divisor = (uint16_t)(115200u / baud);

	if (divisor == 0)
		divisor = 1;
	outb(base + UART_IER, 0);               /* no interrupts: polled */
	outb(base + UART_LCR, LCR_DLAB);
	outb(base + UART_DATA, divisor & 0xff);
	outb(base + UART_IER, divisor >> 8);
	outb(base + UART_LCR, LCR_8N1);         /* also clears DLAB */
	outb(base + UART_FCR, 0xc7);            /* FIFO on, both cleared, 14-byte trigger */

	outb(base + UART_MCR, MCR_LOOP | MCR_DTR_RTS);
	outb(base + UART_DATA, 0x5a);
	for (int spins = 0; spins < 100000; spins++) {
		if (inb(base + UART_LSR) & LSR_DATA_READY)
			break;
	}
	if (inb(base + UART_DATA) != 0x5a)
		return false;
	outb(base + UART_MCR, MCR_DTR_RTS | 0x08);  /* OUT2 gates the IRQ line on a PC */
	return true;
}

void uart_putc(uint16_t base, char c)
{
	if (c == '\n')
		uart_putc(base, '\r');
	while (!(inb(base + UART_LSR) & LSR_THR_EMPTY))
		__asm__ volatile("pause");
	outb(base + UART_DATA, (uint8_t)c);
}

/* Returns -1 when nothing has arrived; never blocks. */
int uart_getc(uint16_t base)
{
	if (!(inb(base + UART_LSR) & LSR_DATA_READY))
		return -1;
	return inb(base + UART_DATA);
}

/* Collects one edited line. Backspace arrives as 0x08 or as 0x7f. */
size_t uart_read_line(uint16_t base, char *buf, size_t cap)
{
	size_t n = 0;

	for (;;) {
		int c = uart_getc(base);

		if (c < 0)
			continue;
		if (c == '\r' || c == '\n')
			break;
		if (c == 0x08 || c == 0x7f) {
			if (n > 0) {
				n--;
				uart_putc(base, '\b');
				uart_putc(base, ' ');
				uart_putc(base, '\b');
			}
			continue;
		}
		if (n + 1 < cap) {
			buf[n++] = (char)c;
			uart_putc(base, (char)c);
		}
	}
	uart_putc(base, '\n');
	buf[n] = '\0';
	return n;
}
