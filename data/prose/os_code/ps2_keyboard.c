/*
 * PS/2 keyboard: from scan codes to characters.
 *
 * The controller at ports 0x60 and 0x64 translates to scan-code set 1 unless
 * told otherwise. A key press sends one byte, the release sends the same byte
 * with bit 7 set. Keys added after the 84-key layout are preceded by 0xe0.
 */
#include <stdint.h>
#include <stdbool.h>

#define KBD_DATA    0x60
#define KBD_STATUS  0x64
#define OUTPUT_FULL 0x01
#define FROM_MOUSE  0x20

#define SC_LCTRL  0x1d
#define SC_LSHIFT 0x2a
#define SC_RSHIFT 0x36
#define SC_LALT   0x38
#define SC_CAPS   0x3a

static inline uint8_t inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

/* US layout, indexed by scan code. Zero: no character; \033 is Escape. */
static const char plain[58] =
	"\0\0331234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[58] =
	"\0\033!@#$%^&*()_+\b\tQWERTYUIOP{}\n\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

static struct {
	bool shift, ctrl, alt, caps, extended;
	uint8_t skip;                   /* bytes of the Pause sequence to ignore */
} state;

/* Returns a character, or -1 if this byte completes none. */
int kbd_feed(uint8_t code)
{
	bool release, ext;
	char c;

	if (state.skip) {
		state.skip--;
		return -1;
	}
	if (code == 0xe1) {             /* Pause: e1 1d 45 e1 9d c5, no release */
		state.skip = 5;
		return -1;
	}
	if (code == 0xe0) {
		state.extended = true;
		return -1;
	}
	ext = state.extended;
	state.extended = false;
	release = code & 0x80;
	code &= 0x7f;

	switch (code) {
	case SC_LSHIFT:
	case SC_RSHIFT:
		/* e0 2a and e0 36 are fake shifts around navigation keys. */
		if (!ext)
			state.shift = !release;
		return -1;
	case SC_LCTRL:
		state.ctrl = !release;
		return -1;
	case SC_LALT:
		state.alt = !release;
		return -1;
	case SC_CAPS:
		if (!release)
			state.caps = !state.caps;
		return -1;
	}
	if (release)
		return -1;
	if (ext)
		return code == 0x1c ? '\n' : code == 0x35 ? '/' : -1;   /* keypad */
	if (code >= sizeof(plain))
		return -1;

	c = plain[code];
	if (c >= 'a' && c <= 'z') {
		if (state.ctrl)
			return c - 'a' + 1;     /* Ctrl-C is 3, Ctrl-D is 4 */
		if (state.shift != state.caps)
			c = shifted[code];
	} else if (state.shift) {
		c = shifted[code];
	}
	return c ? c : -1;
}

/* IRQ 1. Reading the data port is what lets the controller go on. */
int kbd_interrupt(void)
{
	uint8_t status = inb(KBD_STATUS);
	uint8_t code;

	if (!(status & OUTPUT_FULL))
		return -1;
	code = inb(KBD_DATA);
	return status & FROM_MOUSE ? -1 : kbd_feed(code);
}
