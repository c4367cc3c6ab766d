// Text on the serial line, and lines typed there.
#ifndef SLM_CONSOLE_H
#define SLM_CONSOLE_H

#include "../runtime/base.h"

enum { LINE = 4096 }; // bytes of one typed line; what goes beyond is dropped, and said so

void say(const char *format, ...) PRINTF_LIKE(1, 2);
void say_bytes(bytes b);           // as they are, but control characters become '.'
bytes read_line(const char *mark); // shows `mark`; backspace, ^U clears, ^C abandons. Valid until the next call

#endif
