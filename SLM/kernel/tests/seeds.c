// Writes what the fuzzers start from: seeds FOLDER, with subfolders gguf and bpe already there.
#include <stdio.h>

#include "fixture.h"

#include "bpe_cases.h"

static void write_file(const char *folder, const char *name, u32 number, const void *at, u64 size) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s%u", folder, name, number);
    FILE *out = fopen(path, "wb");
    if (!out || fwrite(at, 1, size, out) != size || fclose(out)) perror(path), exit(1);
}

int main(int argc, char **argv) {
    static const u32 types[] = {TYPE_Q4_0, TYPE_Q8_0, TYPE_F16, TYPE_F32};
    if (argc != 2) return fputs("usage: seeds FOLDER\n", stderr), 2;
    for (u32 i = 0; i < 2 * COUNT(types); i++) {
        file f = make_model_of(i % 2 ? "smollm3" : "llama", types[i / 2]);
        write_file(argv[1], "gguf/model", i, f.at, f.size);
        if (!i) write_file(argv[1], "gguf/header", i, f.at, f.header);
        free(f.at);
    }
    for (u32 i = 0; i < COUNT(bpe_cases); i++) write_file(argv[1], "bpe/text", i, bpe_cases[i].text, bpe_cases[i].size);
    return 0;
}
