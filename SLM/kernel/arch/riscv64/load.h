// Eight bytes from any address in one instruction. The compiler knows of no RISC-V that can and would take them one by one;
// QEMU can, and where a processor cannot, the firmware does it for it.
#if !defined(SLM_RISCV64_LOAD_H) && !defined(__ASSEMBLER__)
#define SLM_RISCV64_LOAD_H

static inline unsigned long long load_word(const unsigned char *at) {
    unsigned long long word;
    __asm__("ld %0, %1" : "=r"(word) : "m"(*(const unsigned char(*)[8])at));
    return word;
}
#define SLM_WORD_AT load_word

#endif
