AT_riscv64 := 0x80200000
KFLAGS_riscv64 := -march=rv64gc -mabi=lp64d -mcmodel=medany -mno-relax -DSLM_ROWS=4 -include $(HERE)arch/riscv64/load.h
