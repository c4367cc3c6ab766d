// The fact table: first the four questions, then one device or compatible string a line.
#ifdef __linux__
    .section .note.GNU-stack, "", @progbits // the host's tests link this file too
#endif
    .section .rodata
    .globl facts_start, facts_end
facts_start:
#ifdef SLM_FACTS
    .incbin SLM_FACTS
#endif
facts_end:
