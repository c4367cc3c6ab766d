// What a device tree says of a machine, for the architectures that are told by one.
#ifndef SLM_BOARD_H
#define SLM_BOARD_H

#include "arch.h"

typedef struct {
    u64 console;      // address of the serial port that /chosen names, 0 if it names none
    u64 ecam;         // configuration space of PCI, mapped into memory; 0 if there is none
    u32 buses;        // buses in it
    u32 timebase_hz;  // ticks a second of a RISC-V timer, 0 elsewhere
    bool calls_smc;   // an ARM's firmware is called by smc, not by hvc
} board;

// Fills m->map and m->tree. A tree that cannot be read is a panic: nothing else tells where memory is.
void read_board(board *b, machine *m, const u8 *at, u64 room);

// As `arch_pci_read` and `arch_pci_write`, through the configuration space that is mapped into memory.
u32 board_pci_read(const board *b, u32 bus, u32 slot, u32 function, u32 offset);
void board_pci_write(const board *b, u32 bus, u32 slot, u32 function, u32 offset, u32 value);

static inline u32 mmio_read(u64 at) { return *(volatile u32 *)(uintptr_t)at; }
static inline void mmio_write(u64 at, u32 value) { *(volatile u32 *)(uintptr_t)at = value; }
static inline u8 mmio_read8(u64 at) { return *(volatile u8 *)(uintptr_t)at; }
static inline void mmio_write8(u64 at, u8 value) { *(volatile u8 *)(uintptr_t)at = value; }

#endif
