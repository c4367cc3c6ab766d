AT_x86_64 := 0x100000
KFLAGS_x86_64 := -mno-red-zone -mno-mmx -mcmodel=small
