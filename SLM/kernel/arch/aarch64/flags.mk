AT_aarch64 := 0x40200000
KFLAGS_aarch64 := -march=armv8-a -mno-outline-atomics -DSLM_ROWS=4
