// What the kernel asks of a machine. Everything in arch/ implements this page and nothing else is known there.
#ifndef SLM_ARCH_H
#define SLM_ARCH_H

#include "../runtime/base.h"
#include "map.h"
#include "tree.h"

extern const char arch_name[]; // as in ARCH=

void arch_put(u8 byte);  // to the serial line; waits for room
int arch_get(void);      // next byte of the serial line, -1 if none has come
u64 arch_ticks(void);    // a counter that never stops
_Noreturn void arch_off(bool failed);
void arch_fault(void);   // raises an exception on purpose

// One 32-bit word of a PCI function's configuration space; all ones where there is no function.
u32 arch_pci_read(u32 bus, u32 slot, u32 function, u32 offset);
void arch_pci_write(u32 bus, u32 slot, u32 function, u32 offset, u32 value);

// What is known of the machine when the kernel's common part is entered.
typedef struct {
    u64 entered;    // arch_ticks at the first instruction in C
    u64 ticks_hz;   // ticks a second, never 0
    memory_map map; // usable memory, the kernel's own included
    tree tree;      // of devices; without nodes where the architecture has none
} machine;

// The kernel's side: arch code calls the first at boot, the second when something is wrong beyond repair.
_Noreturn void kernel_main(const machine *m);
_Noreturn void panic(const char *format, ...) PRINTF_LIKE(1, 2);

#endif
