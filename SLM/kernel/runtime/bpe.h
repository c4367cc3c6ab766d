// Byte-level BPE as GPT-2 does it and HF `tokenizers` ByteLevel + BPE compute it: the text is cut into pieces by the
// pattern 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ and each piece, as bytes, is merged
// pair by pair, the earliest learnt pair first and of equal ones the leftmost.
#ifndef SLM_BPE_H
#define SLM_BPE_H

#include "gguf.h"

enum { BPE_TEXT = 16384 }; // bytes of text that one call takes at most
#define BPE_NONE UINT32_MAX

typedef struct {
    u32 left, right; // ids of the pair
    u32 rank;        // order in which it was learnt; BPE_NONE marks a free slot
    u32 id;          // of the two together
} merge;

typedef struct {
    u32 n_tokens, n_merges;
    bytes *token;            // [n_tokens] text in the alphabet of printable stand-ins, inside the file
    const u8 *token_type;    // [n_tokens] 4-byte numbers inside the file; 3 = control
    u32 n_slots;             // of both hash tables, a power of two
    u32 *slot;               // [n_slots] id + 1 of a token by the hash of its text; 0 = free
    merge *merges;           // [n_slots] by the hash of the pair
    u32 byte_id[256];        // token of each single byte
    u32 *piece, *rank;       // [BPE_TEXT] ids of the piece being merged; rank of each with its right neighbour
} bpe;

int bpe_open(bpe *b, const gguf *g, pool *p, slm_error *e); // with a counting pool it only counts
u32 bpe_find(const bpe *b, const char *text);               // id of a whole token, BPE_NONE if there is none
int bpe_encode(bpe *b, bytes text, u32 *ids, u32 cap, u32 *n, slm_error *e); // never yields a control token
u32 bpe_decode(const bpe *b, u32 id, u8 *out, u32 cap);     // bytes of one token, none for a control token
u64 bpe_piece(bytes text);                                  // bytes in the first piece of a text that is not empty

#endif
