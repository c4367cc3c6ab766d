// What the kernel asks of a machine. Everything in arch/ implements this page and nothing else is known there.
#ifndef SLM_ARCH_H
#define SLM_ARCH_H

#include "../runtime/base.h"

extern const char arch_name[]; // as in ARCH=

void arch_put(u8 byte);  // to the serial line; waits for room
int arch_get(void);      // next byte of the serial line, -1 if none has come
u64 arch_micros(void);   // microseconds since the kernel was entered
u64 arch_clock_hz(void); // of the counter behind arch_micros
_Noreturn void arch_off(bool failed);
void arch_fault(void);   // raises an exception on purpose

u64 arch_memory_total(void);    // bytes of usable memory
u64 arch_memory_end(u64 at);    // first address past the usable region that holds `at`, 0 if none does

// One 32-bit word of a PCI function's configuration space; all ones where there is no function.
u32 arch_pci_read(u32 bus, u32 slot, u32 function, u32 offset);

// The kernel's side: arch code calls the first at boot, the second when something is wrong beyond repair.
_Noreturn void kernel_main(void);
_Noreturn void panic(const char *format, ...) PRINTF_LIKE(1, 2);

#endif
