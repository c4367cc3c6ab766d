// A model in memory that can be asked: the file, its tokenizer, its network, and the tokens already read.
//
// This page is all that another kernel needs. It compiles runtime/*.c with -ffreestanding -ffp-contract=off -fno-math-errno (memory.c
// too, unless it has memcpy and its like), gives the file's bytes on a 32-byte and a pool on a 64-byte boundary, and calls
//     u64 need;
//     slm_error e;
//     static slm model;
//     if (slm_pool_bytes(file, &need, &e)) ...                    // e.text says in one line why the file is refused
//     pool p = {memory, need, 0};
//     if (slm_open(&model, file, &p, &e)) ...
//     u32 n;
//     sampler choice = {.temperature = 0, .top_p = 1};
//     if (slm_chat(&model, question, &n, &e) || slm_read(&model, model.ids, n, &e)) ...
//     slm_write(&model, 64, model.end, &choice, say, listener);   // say(listener, id); bpe_decode(&model.words, id, ...) is its text
// The file must stay where it is. Nothing is allocated, and nothing is remembered outside `slm` but two settings of matrix.h,
// which inner loops run and on how many threads; so several models may be open, but only one may be asked at a time.
#ifndef SLM_SLM_H
#define SLM_SLM_H

#include "bpe.h"
#include "llama.h"
#include "sample.h"

typedef struct {
    gguf file;
    bpe words;
    llama net;
    u32 user, assistant, end; // ids of the chat marks and of end of text
    u32 *ids;                 // [context] prompt being built
    u32 *seen;                // [context] tokens whose keys and values are in the cache
    u32 n_seen;               // tokens
    u32 *order;               // [vocab] scratch for sampling
} slm;

// Checks the file and says how many bytes of pool its model needs; then the same file opens in that many.
int slm_pool_bytes(bytes file, u64 *need, slm_error *e);
int slm_open(slm *s, bytes file, pool *p, slm_error *e);

// Fills s->ids with <|user|> text <|assistant|>.
int slm_chat(slm *s, bytes text, u32 *n, slm_error *e);

// Reads n prompt tokens; those that begin as the previous ones did are still in the cache and cost nothing.
int slm_read(slm *s, const u32 *ids, u32 n, slm_error *e);

// Yields up to `limit` new tokens after slm_read, until `stop` (BPE_NONE: never) or a full context.
// `say` gets each token as it comes, `stop` not among them. Returns how many came.
typedef void slm_say(void *listener, u32 id);
u32 slm_write(slm *s, u32 limit, u32 stop, sampler *choice, slm_say *say, void *listener);

#endif
