// GGUF version 3 in memory (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md). Nothing in the file is trusted:
// gguf_open checks every length, count, type, shape and offset against the file's size, and the walks below rely on that.
#ifndef SLM_GGUF_H
#define SLM_GGUF_H

#include "base.h"

enum { GGUF_U8, GGUF_I8, GGUF_U16, GGUF_I16, GGUF_U32, GGUF_I32, GGUF_F32, GGUF_BOOL, GGUF_STRING, GGUF_ARRAY,
       GGUF_U64, GGUF_I64, GGUF_F64, GGUF_TYPES };

typedef struct {
    bytes file;                    // base 32-byte aligned
    u64 n_keys, n_tensors;
    u64 keys_at, tensors_at, data_at; // bytes from the start of the file
    u64 alignment;                 // bytes, a power of two, 8 or more
} gguf;

typedef struct {
    u32 type;   // GGUF_*; for an array, of its elements
    bool array;
    u64 count;  // elements, 1 for a scalar
    bytes data; // elements as they lie in the file; each string has its 8-byte length in front
} gguf_value;

typedef struct {
    bytes name;
    u32 type;    // TYPE_* of matrix.h
    u64 dims[4]; // elements, dims[0] is contiguous; unused ones are 1
    bytes data;
} gguf_tensor;

int gguf_open(gguf *g, bytes file, slm_error *e);
bool gguf_find(const gguf *g, const char *key, gguf_value *value);
bool gguf_find_tensor(const gguf *g, const char *name, gguf_tensor *t);

// Each needs the key to be there with a fitting type, or fails with a line that names it.
int gguf_u32(const gguf *g, const char *key, u32 *out, slm_error *e);
int gguf_f32(const gguf *g, const char *key, f32 *out, slm_error *e);
int gguf_string(const gguf *g, const char *key, bytes *out, slm_error *e);
int gguf_array(const gguf *g, const char *key, u32 type, gguf_value *out, slm_error *e);
bytes gguf_next_string(bytes *rest); // takes one element off the front of a string array's data

#endif
