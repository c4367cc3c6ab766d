// libFuzzer: any bytes as a text. Its pieces cover it, and its ids give it back.
#include <stdio.h>

#include "fixture.h"

int LLVMFuzzerTestOneInput(const u8 *at, size_t size);

int LLVMFuzzerTestOneInput(const u8 *at, size_t size) {
    static opened o;
    static u32 ids[BPE_TEXT];
    static u8 back[BPE_TEXT];
    slm_error e;
    u32 n, got = 0;
    if (!o.memory) {
        file f = make_model(TYPE_Q4_0);
        if (open_bytes(&o, (bytes){f.at, f.size}, &e)) abort();
    }
    bytes text = exact(at, size);
    int code = bpe_encode(&o.s.words, text, ids, BPE_TEXT, &n, &e);
    if (code != (size > BPE_TEXT ? SLM_TOO_LONG : SLM_OK)) abort();
    for (u32 i = 0; !code && i < n; i++) got += bpe_decode(&o.s.words, ids[i], back + got, (u32)sizeof back - got);
    if (!code && (got != size || memcmp(at, back, size))) abort();
    slm_chat(&o.s, text, &n, &e);
    free((void *)text.at);
    return 0;
}
