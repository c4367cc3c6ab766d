// QEMU's virt machine enters an ELF file at its entry, MMU off, in EL1, or in EL2 where it has virtualization. x0 holds the
// device tree if a loader passes one on.
    .section .text.boot, "ax"
    .globl start
start:
    msr daifset, #15                // no interrupts: the kernel polls
    mov x19, x0
    mrs x1, currentel
    cmp x1, #(2 << 2)
    b.ne in_el1
    mov x1, #(1 << 31)              // EL1 is 64-bit
    msr hcr_el2, x1
    mov x1, #3                      // and may read the timer
    msr cnthctl_el2, x1
    msr cntvoff_el2, xzr
    mov x1, #0x33ff                 // and use floating point
    msr cptr_el2, x1
    mov x1, #0x3c5                  // EL1 with its own stack, no interrupts
    msr spsr_el2, x1
    adr x1, in_el1
    msr elr_el2, x1
    eret
in_el1:
    mov x1, #(3 << 20)              // floating point without traps
    msr cpacr_el1, x1
    adr x1, vectors
    msr vbar_el1, x1

    adrp x1, bss_start              // both ends are multiples of 4096
    adrp x2, bss_end
1:  stp xzr, xzr, [x1], #16
    cmp x1, x2
    b.lo 1b

    // Identity map of the first 512 GiB in blocks of 1 GiB. QEMU's virt has devices in the first, memory in those up to
    // 255, and from 256 on configuration space and windows of PCI.
    adrp x1, level1
    mov x2, #0                      // block
    ldr x5, =0x60000000000401       // valid block, accessed, never executed, attribute 0: device
    ldr x6, =0x705                  // valid block, accessed, inner shareable, attribute 1: normal
2:  sub x3, x2, #1                  // 1 to 255 is memory
    cmp x3, #255
    csel x4, x6, x5, lo
    orr x4, x4, x2, lsl #30
    str x4, [x1, x2, lsl #3]
    add x2, x2, #1
    cmp x2, #512
    b.lo 2b

    msr ttbr0_el1, x1
    mov x2, #0xff00                 // attribute 0: device, 1: normal, cached
    msr mair_el1, x2
    ldr x2, =0x200803519            // 39-bit addresses by ttbr0 alone, 4 KiB granule, cached walks, 40 bits physical
    msr tcr_el1, x2
    dsb sy
    tlbi vmalle1
    dsb sy
    isb
    mrs x2, sctlr_el1
    mov x3, #0x1005                 // MMU, data cache, instruction cache
    orr x2, x2, x3
    bic x2, x2, #2                  // no alignment faults
    msr sctlr_el1, x2
    isb

    adrp x1, stack_end
    add x1, x1, :lo12:stack_end
    mov sp, x1
    mov x29, #0
    mov x0, x19
    bl arch_main
    b .

trap_entry:                         // x0 says which vector
    mrs x1, esr_el1
    mrs x2, elr_el1
    mrs x3, far_el1
    mov x4, sp
    adrp x5, fault_stack_end        // the other one may be what broke
    add x5, x5, :lo12:fault_stack_end
    mov sp, x5
    bl arch_trap
    b .

    .balign 2048
vectors:
    .set vector, 0
    .rept 16
    .balign 128
    mov x0, #vector
    b trap_entry
    .set vector, vector + 1
    .endr

    .bss
    .balign 4096
level1: .skip 4096
    .skip 65536
stack_end:
    .skip 8192
fault_stack_end:
