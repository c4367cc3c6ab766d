// QEMU enters at start in 32-bit protected mode, paging off, ebx = PVH start info (xen/include/public/arch-x86/hvm/start_info.h).
    .section .note.boot, "a", @note
    .balign 4
    .long 4, 8, 18                  // name bytes, value bytes, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad start

    .section .text.boot, "ax"
    .code32
    .globl start
start:
    cld
    movl $bss_start, %edi
    movl $bss_end, %ecx
    subl %edi, %ecx
    shrl $2, %ecx
    xorl %eax, %eax
    rep stosl

    // Identity map of the first 4 GiB: one top table, one of four entries, four of 512 pages of 2 MiB.
    movl $level3 + 3, level4
    movl $level3, %edi
    movl $level2 + 3, %eax
    movl $4, %ecx
1:  movl %eax, (%edi)
    addl $8, %edi
    addl $4096, %eax
    loop 1b
    movl $level2, %edi
    movl $0x83, %eax                // present, writable, 2 MiB
    movl $2048, %ecx
2:  movl %eax, (%edi)
    addl $8, %edi
    addl $0x200000, %eax
    loop 2b

    movl $level4, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $0x620, %eax                // PAE, SSE, SSE exceptions
    movl %eax, %cr4
    movl $0xc0000080, %ecx          // EFER
    rdmsr
    orl $0x100, %eax                // long mode
    wrmsr
    movl %cr0, %eax
    andl $~4, %eax                  // no FPU emulation
    orl $0x80000023, %eax           // paging, numeric errors, monitor coprocessor, protection
    movl %eax, %cr0
    lgdt gdt_pointer
    ljmp $8, $start64

    .code64
start64:
    movw $16, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    xorl %eax, %eax
    movw %ax, %fs
    movw %ax, %gs
    leaq stack_end(%rip), %rsp
    movl %ebx, %edi
    call arch_main
    ud2

// One stub a vector; those for which the processor pushes no error code push a zero, so all frames look alike.
    .macro stub vector
    .balign 16
    .if !(\vector == 8 || (\vector >= 10 && \vector <= 14) || \vector == 17 || \vector == 21 || \vector == 29 || \vector == 30)
    pushq $0
    .endif
    pushq $\vector
    jmp trap_entry
    .endm

    .balign 16
    .globl trap_stubs
trap_stubs:
    .set vector, 0
    .rept 32
    .altmacro
    stub %vector
    .noaltmacro
    .set vector, vector + 1
    .endr
trap_entry:
    movq %rsp, %rdi
    andq $-16, %rsp
    call arch_trap

    .section .rodata
    .balign 8
gdt:
    .quad 0, 0x00af9a000000ffff, 0x00cf92000000ffff // none, 64-bit code, data
gdt_pointer:
    .word gdt_pointer - gdt - 1
    .long gdt

    .bss
    .balign 4096
level4: .skip 4096
level3: .skip 4096
level2: .skip 4 * 4096
    .skip 65536
stack_end:
