// QEMU's `virt` for ARM: PL011, generic timer, device tree, PCI by ECAM, power off by PSCI.
#include "../../kernel/board.h"

const char arch_name[] = "aarch64";

enum { RAM = 0x40000000, UART = 0x09000000 }; // where QEMU puts the tree when it starts an ELF file; the port until it is read

static board here;
static machine about;

// ---- serial line: PL011, which QEMU has ready ----

enum { DATA = 0, FLAGS = 0x18, EMPTY = 0x10, FULL = 0x20 };

static u64 uart = UART;

void arch_put(u8 byte) {
    while (mmio_read(uart + FLAGS) & FULL) {}
    mmio_write(uart + DATA, byte);
}

int arch_get(void) { return mmio_read(uart + FLAGS) & EMPTY ? -1 : (int)(mmio_read(uart + DATA) & 255); }

// ---- clock ----

u64 arch_ticks(void) {
    u64 value;
    __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(value));
    return value;
}

static u64 ticks_hz(void) {
    u64 value;
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(value));
    return value;
}

// ---- end: firmware is called as PSCI says; it has no word for failure, so a panic must be read on the serial line ----

void arch_off(bool failed) {
    (void)failed;
    register u64 x0 __asm__("x0") = 0x84000008; // SYSTEM_OFF
    if (here.calls_smc) __asm__ volatile("smc #0" : "+r"(x0)::"x1", "x2", "x3", "memory");
    else __asm__ volatile("hvc #0" : "+r"(x0)::"x1", "x2", "x3", "memory");
    for (;;) __asm__ volatile("wfi");
}

void arch_fault(void) { __asm__ volatile("udf #0"); }

// ---- exceptions: all are fatal, so the handler only tells where ----

_Noreturn void arch_trap(u64 vector, u64 esr, u64 elr, u64 far, u64 sp);

static const char *class_name(u64 class) {
    switch (class) {
    case 0x00: return "unknown instruction";
    case 0x07: return "no FPU";
    case 0x0e: return "illegal state";
    case 0x20: case 0x21: return "instruction abort";
    case 0x22: return "PC alignment";
    case 0x24: case 0x25: return "data abort";
    case 0x26: return "SP alignment";
    case 0x2f: return "SError";
    case 0x3c: return "breakpoint";
    default: return "";
    }
}

void arch_trap(u64 vector, u64 esr, u64 elr, u64 far, u64 sp) {
    panic("exception %lu (%s) at 0x%lx, syndrome 0x%lx, address 0x%lx, stack 0x%lx, vector %lu", esr >> 26, class_name(esr >> 26), elr, esr,
          far, sp, vector);
}

// ---- PCI ----

u32 arch_pci_read(u32 bus, u32 slot, u32 function, u32 offset) {
    return board_pci_read(&here, bus, slot, function, offset);
}

void arch_pci_write(u32 bus, u32 slot, u32 function, u32 offset, u32 value) {
    board_pci_write(&here, bus, slot, function, offset, value);
}

_Noreturn void arch_main(const u8 *tree);

void arch_main(const u8 *tree) {
    about.entered = arch_ticks();
    about.ticks_hz = ticks_hz();
    if (!about.ticks_hz) panic("CNTFRQ_EL0 is 0");
    read_board(&here, &about, tree ? tree : (const u8 *)(uintptr_t)RAM, 1 << 21);
    if (here.console) uart = here.console;
    kernel_main(&about);
}
