/* safetensors - the header of one record: 8 bytes of little-endian length, JSON, then the data.
 *
 * Format: https://github.com/huggingface/safetensors (README, "Format"). This file knows the header
 * alone, as bytes in memory; stream/reader.h and stream/writer.h move the data. */
#ifndef SAM_STREAM_SAFETENSORS_H
#define SAM_STREAM_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { SAM_SAFETENSORS_MAX_DIMS = 16 };
#define SAM_SAFETENSORS_MAX_HEADER 100000000u /* bytes of JSON, as in the reference reader */

enum sam_dtype {
    SAM_F64,
    SAM_F32,
    SAM_F16,
    SAM_BF16,
    SAM_U8,
    SAM_OTHER, /* valid, of another kind: skipped */
};

struct sam_tensor {
    char *name;
    enum sam_dtype dtype;
    char dtype_text[16]; /* as the header has it (cut if longer): "F32", "I64", ... */
    int ndim;
    uint64_t shape[SAM_SAFETENSORS_MAX_DIMS];
    uint64_t count;      /* elements: the product of shape, 1 for a scalar */
    uint64_t begin, end; /* bytes from the start of the data section */
};

struct sam_meta {
    char *key, *value;
};

struct sam_header {
    struct sam_tensor *tensors; /* in the order of their data */
    size_t tensor_count;
    struct sam_meta *meta;
    size_t meta_count;
    uint64_t data_bytes;

    /* The tensors are those of the record before, where they were left, since the text behind the
     * metadata is the same. That text, without spaces at the end, where the metadata come first;
     * else NULL. */
    bool repeated;
    char *layout;
    size_t layout_length;
};

/* Bytes of an element; 0 for SAM_OTHER. */
size_t sam_dtype_size(enum sam_dtype dtype);
const char *sam_dtype_name(enum sam_dtype dtype);
/* F64, F32, F16 or BF16. */
bool sam_dtype_is_gradient(enum sam_dtype dtype);

/* A shape as messages show it, "(64, 3, 3, 3)", into `text`. */
enum { SAM_TENSOR_SHAPE = SAM_SAFETENSORS_MAX_DIMS * 22 + 3 };
void sam_tensor_shape(int ndim, const uint64_t *shape, char text[SAM_TENSOR_SHAPE]);

/* Parses `length` bytes of JSON. Refuses what is not a JSON object, a name given twice, a shape
 * whose product overflows or that disagrees with its bytes, data that overlap or leave holes,
 * metadata that are not strings. The message does not name the file: the caller puts that in front.
 * `header` is all zeros, or the one of the record before, whose tensors are not parsed again where
 * they are `repeated`. After 0 the caller frees with sam_header_free(); after -1 there is nothing
 * to free. */
int sam_header_parse(const char *json, size_t length, struct sam_header *header,
                     struct sam_error *error);
void sam_header_free(struct sam_header *header);

/* The value of a metadata key, or NULL. */
const char *sam_header_meta(const struct sam_header *header, const char *key);

#endif
