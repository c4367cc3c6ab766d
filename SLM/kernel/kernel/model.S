// The model, as it is, on a page of its own (kernel.ld names its ends and its size).
    .section .slm_model, "a"
    .balign 4096
#ifdef SLM_MODEL
    .incbin SLM_MODEL
#endif
