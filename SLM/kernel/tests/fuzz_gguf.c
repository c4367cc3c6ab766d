// libFuzzer: any bytes as a model. What is let in is used too.
#include <stdio.h>

#include "fixture.h"

int LLVMFuzzerTestOneInput(const u8 *at, size_t size);

int LLVMFuzzerTestOneInput(const u8 *at, size_t size) {
    try_file(at, size);
    return 0;
}
