// OpenSBI enters in S-mode on one hart, paging off: a0 = hart, a1 = device tree.
    .section .text.boot, "ax"
    .globl start
start:
    csrw sie, zero                  // no interrupts: the kernel polls
    csrw satp, zero
    li t0, 1 << 13                  // sstatus.FS: floating point without traps
    csrs sstatus, t0
    csrw fcsr, zero                 // round to nearest, ties to even
    la t0, trap_entry
    csrw stvec, t0

    la t0, bss_start                // both ends are multiples of 4096
    la t1, bss_end
1:  sd zero, (t0)
    addi t0, t0, 8
    bltu t0, t1, 1b

    la sp, stack_end
    mv a0, a1
    call arch_main
2:  wfi
    j 2b

    .balign 4
trap_entry:
    csrr a0, scause
    csrr a1, sepc
    csrr a2, stval
    mv a3, sp
    la sp, fault_stack_end          // the other one may be what broke
    call arch_trap

    .bss
    .balign 4096
    .skip 65536
stack_end:
    .skip 8192
fault_stack_end:
