/* weights - one safetensors file held in memory as a whole: weights, checkpoints.
 *
 * (Gradient streams are read with stream/reader.h, which never holds a record.) */
#ifndef SAM_STREAM_WEIGHTS_H
#define SAM_STREAM_WEIGHTS_H

#include "base/error.h"
#include "stream/safetensors.h"

struct sam_weights {
    struct sam_header header;
    unsigned char *data; /* header.data_bytes bytes */
    uint64_t xxh3;       /* XXH3-64 of the data section */
};

/* Reads a file with exactly one record. Refuses what readers refuse, and bytes after the record.
 * The caller frees with sam_weights_free(). */
int sam_weights_read(const char *path, struct sam_weights *weights, struct sam_error *error);
void sam_weights_free(struct sam_weights *weights);

/* The tensor of this name, or NULL. */
const struct sam_tensor *sam_weights_find(const struct sam_weights *weights, const char *name);

/* Copies a tensor to `out` (count floats), converting from F64, F32, F16 or BF16; refuses a missing
 * tensor, another dtype, another count. */
int sam_weights_copy(const struct sam_weights *weights, const char *path, const char *name,
                     size_t count, float *out, struct sam_error *error);

#endif
