// A PC as QEMU's `pc` and `q35` are: COM1, PIT, time-stamp counter, PVH memory map, PCI by ports.
#include "../../kernel/arch.h"

const char arch_name[] = "x86_64";

static machine about;

static void out8(u16 port, u8 value) { __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }
static void out16(u16 port, u16 value) { __asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port)); }
static void out32(u16 port, u32 value) { __asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port)); }

static u8 in8(u16 port) {
    u8 value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static u32 in32(u16 port) {
    u32 value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

// ---- serial line: 8250 at 0x3f8, 115200 baud, 8N1 ----

enum { COM1 = 0x3f8, LINE_STATUS = COM1 + 5 };

static void start_serial(void) {
    static const u8 setup[][2] = {{1, 0}, {3, 0x80}, {0, 1}, {1, 0}, {3, 3}, {2, 1}, {4, 3}};
    for (u32 i = 0; i < COUNT(setup); i++) out8(COM1 + setup[i][0], setup[i][1]);
}

void arch_put(u8 byte) {
    while (!(in8(LINE_STATUS) & 0x20)) {}
    out8(COM1, byte);
}

int arch_get(void) { return in8(LINE_STATUS) & 1 ? in8(COM1) : -1; }

// ---- clock: the time-stamp counter, measured once against 20 ms of the PIT's channel 2 ----

u64 arch_ticks(void) {
    u32 low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (u64)high << 32 | low;
}

static void start_clock(void) {
    enum { PIT_HZ = 1193182, WAIT = PIT_HZ / 50 };
    out8(0x61, (in8(0x61) & ~2u) | 1);  // speaker off, gate on
    out8(0x43, 0xb0);                   // channel 2, both bytes, one shot
    out8(0x42, WAIT & 255);
    u64 start = arch_ticks();
    out8(0x42, WAIT >> 8);
    while (!(in8(0x61) & 0x20)) {}
    about.ticks_hz = (arch_ticks() - start) * PIT_HZ / WAIT;
}

// ---- end ----

void arch_off(bool failed) {
    out8(0xf4, failed ? 0x11 : 0x10); // QEMU's isa-debug-exit: status 35 or 33
    out16(0x604, 0x2000);             // else ACPI power off as QEMU's firmware sets it up
    for (;;) __asm__ volatile("cli; hlt");
}

void arch_fault(void) { __asm__ volatile("ud2"); }

// ---- exceptions: all are fatal, so the handler only tells where ----

typedef struct {
    u64 vector, error, rip, cs, flags, rsp, ss;
} trap_frame;

typedef struct __attribute__((packed)) {
    u16 offset_low, selector;
    u8 stack, kind;
    u16 offset_middle;
    u32 offset_high, zero;
} gate;

extern const u8 trap_stubs[]; // 32 stubs of 16 bytes

_Noreturn void arch_trap(const trap_frame *f);

void arch_trap(const trap_frame *f) {
    static const char *const names[] = {"division", "debug", "NMI", "breakpoint", "overflow", "bounds", "invalid opcode",
        "no FPU", "double fault", "", "task state", "segment", "stack", "protection", "page fault", "", "x87", "alignment",
        "machine check", "SSE"};
    u64 address;
    __asm__ volatile("mov %%cr2, %0" : "=r"(address));
    panic("exception %lu (%s) at 0x%lx, error 0x%lx, address 0x%lx, stack 0x%lx", f->vector,
          f->vector < COUNT(names) ? names[f->vector] : "", f->rip, f->error, address, f->rsp);
}

static void start_traps(void) {
    static gate table[32];
    for (u32 i = 0; i < COUNT(table); i++) {
        u64 at = (u64)(uintptr_t)trap_stubs + 16 * i;
        table[i] = (gate){(u16)at, 8, 0, 0x8e, (u16)(at >> 16), (u32)(at >> 32), 0};
    }
    struct __attribute__((packed)) {
        u16 limit;
        u64 base;
    } pointer = {sizeof table - 1, (u64)(uintptr_t)table};
    __asm__ volatile("lidt %0" ::"m"(pointer));
}

// ---- memory: the PVH start info lists regions; pages map the first 4 GiB ----

typedef struct {
    u32 magic, version, flags, n_modules;
    u64 modules, command_line, rsdp, regions;
    u32 n_regions, reserved;
} start_info;

typedef struct {
    u64 at, size; // bytes
    u32 kind, reserved; // kind 1 = usable
} pvh_region;

static void read_memory_map(const start_info *info) {
    if (info->magic != 0x336ec578 || info->version < 1) panic("no PVH start info with a memory map");
    const pvh_region *r = (const pvh_region *)(uintptr_t)info->regions;
    for (u32 i = 0; i < info->n_regions; i++)
        if (r[i].kind == 1) map_add(&about.map, r[i].at, r[i].size);
    map_cut(&about.map, 1ull << 32, UINT64_MAX); // no page maps what lies beyond
}

// ---- PCI: one function's register is chosen by a first port and reached through a second ----

static void choose(u32 bus, u32 slot, u32 function, u32 offset) {
    out32(0xcf8, 0x80000000u | bus << 16 | slot << 11 | function << 8 | (offset & 0xfc));
}

u32 arch_pci_read(u32 bus, u32 slot, u32 function, u32 offset) {
    choose(bus, slot, function, offset);
    return in32(0xcfc);
}

void arch_pci_write(u32 bus, u32 slot, u32 function, u32 offset, u32 value) {
    choose(bus, slot, function, offset);
    out32(0xcfc, value);
}

_Noreturn void arch_main(const start_info *info);

void arch_main(const start_info *info) {
    about.entered = arch_ticks();
    start_serial();
    start_traps();
    start_clock();
    read_memory_map(info);
    kernel_main(&about);
}
