// QEMU's `virt` for RISC-V under OpenSBI: ns16550, time CSR, device tree, PCI by ECAM, power off by SBI.
#include "../../kernel/board.h"

const char arch_name[] = "riscv64";

static board here;
static machine about;

// ---- serial line: ns16550, which OpenSBI has set up; registers are bytes, one after another ----

enum { UART = 0x10000000, LINE_STATUS = 5, READY = 1, EMPTY = 0x20 }; // the port until the tree is read

static u64 uart = UART;

void arch_put(u8 byte) {
    while (!(mmio_read8(uart + LINE_STATUS) & EMPTY)) {}
    mmio_write8(uart, byte);
}

int arch_get(void) { return mmio_read8(uart + LINE_STATUS) & READY ? mmio_read8(uart) : -1; }

// ---- clock ----

u64 arch_ticks(void) {
    u64 value;
    __asm__ volatile("rdtime %0" : "=r"(value));
    return value;
}

// ---- end ----

void arch_off(bool failed) {
    register u64 a0 __asm__("a0") = 0;         // shutdown
    register u64 a1 __asm__("a1") = failed;    // no reason, or a failure: QEMU's exit status is 0 or 1
    register u64 a6 __asm__("a6") = 0;
    register u64 a7 __asm__("a7") = 0x53525354; // "SRST"
    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a6), "r"(a7) : "memory");
    for (;;) __asm__ volatile("wfi");
}

void arch_fault(void) { __asm__ volatile("unimp"); }

// ---- exceptions: all are fatal, so the handler only tells where ----

_Noreturn void arch_trap(u64 cause, u64 pc, u64 value, u64 sp);

void arch_trap(u64 cause, u64 pc, u64 value, u64 sp) {
    static const char *const names[] = {"instruction alignment", "instruction access", "illegal instruction", "breakpoint", "load alignment",
        "load access", "store alignment", "store access", "call from U", "call from S", "", "", "instruction page", "load page", "",
        "store page"};
    panic("exception %lu (%s) at 0x%lx, address or instruction 0x%lx, stack 0x%lx", cause, cause < COUNT(names) ? names[cause] : "", pc, value, sp);
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
    read_board(&here, &about, tree, 1 << 21);
    if (here.console) uart = here.console;
    if (!here.timebase_hz) panic("the device tree states no timebase-frequency");
    about.ticks_hz = here.timebase_hz;
    kernel_main(&about);
}
