// Text on the serial line, and lines typed there.
#ifndef SLM_CONSOLE_H
#define SLM_CONSOLE_H

#include "../runtime/base.h"

enum { LINE = 4096 }; // bytes of one typed line; a longer one is refused

void say(const char *format, ...) PRINTF_LIKE(1, 2);
void say_bytes(bytes b);           // as they are, but control characters become '.'
// Shows `mark`; backspace, ^U clears, ^C abandons, the arrow up brings the line before. Valid until the next call, and
// empty when the line was too long.
bytes read_line(const char *mark);

#endif
