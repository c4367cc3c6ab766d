#include "console.h"

#include "arch.h"

static void put(char c) {
    if (c == '\n') arch_put('\r');
    arch_put((u8)c);
}

static void say_list(const char *format, va_list list) {
    char text[1024];
    u32 n = slm_format_list(text, sizeof text, format, list);
    for (u32 i = 0; i < n; i++) put(text[i]);
}

void say(const char *format, ...) {
    va_list list;
    va_start(list, format);
    say_list(format, list);
    va_end(list);
}

void panic(const char *format, ...) {
    static bool before;
    if (before) arch_off(true); // what goes wrong in here is not told
    before = true;
    va_list list;
    va_start(list, format);
    say("\n[slm] panic ");
    say_list(format, list);
    say("\n");
    va_end(list);
    arch_off(true);
}

void say_bytes(bytes b) {
    for (u64 i = 0; i < b.size; i++) put(b.at[i] < ' ' && b.at[i] != '\n' && b.at[i] != '\t' ? '.' : (char)b.at[i]);
}

static u8 wait_byte(void) {
    int c;
    while ((c = arch_get()) < 0) {}
    return (u8)c;
}

// Keys beyond ASCII send ESC [ numbers letter; returns the letter, 0 for other sequences.
static u8 read_escape(void) {
    if (wait_byte() != '[') return 0;
    u8 c = wait_byte();
    while (c < 0x40 || c == '[') c = wait_byte();
    return c;
}

// The last character may be several bytes of UTF-8; it goes as a whole.
static u32 without_last(const u8 *line, u32 n) {
    while (n && (line[n - 1] & 0xc0) == 0x80) n--;
    return n ? n - 1 : 0;
}

static u32 erase(const u8 *line, u32 n) {
    while (n) n = without_last(line, n), say("\b \b");
    return 0;
}

bytes read_line(const char *mark) {
    static u8 line[LINE], before[LINE];
    static u32 n_before; // bytes
    u32 n = 0, beyond = 0;
    for (say("%s", mark);;) {
        u8 c = wait_byte();
        if (c == '\r' || c == '\n') break;
        if (c == 3) n = beyond = 0, say("^C\n%s", mark);
        else if (c == 21) n = erase(line, n), beyond = 0;
        else if (c == 8 || c == 127) { if (beyond) beyond--; else if (n) n = without_last(line, n), say("\b \b"); }
        else if (c == 27 && read_escape() == 'A') {
            erase(line, n), beyond = 0;
            memcpy(line, before, n = n_before), say_bytes((bytes){line, n});
        }
        else if (c < ' ' && c != '\t') continue;
        else if (n == LINE) beyond++;
        else line[n++] = c, arch_put(c);
    }
    say("\n");
    if (beyond) say("[slm] refused line of %lu bytes, at most %u\n", (u64)n + beyond, LINE);
    if (beyond) return (bytes){line, 0};
    if (n) memcpy(before, line, n_before = n);
    return (bytes){line, n};
}
