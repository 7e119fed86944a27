/* writer - records out: header first, then the tensors' bytes in the order they were announced.
 *
 *     struct sam_writer *w = sam_writer_new(stdout, "standard output", error);
 *     sam_writer_meta(w, "step", "17", error);
 *     sam_writer_tensor(w, "current/conv1.weight", SAM_F32, 4, shape, error);  ... announce all
 *     sam_writer_header(w, error);                                             then the header
 *     sam_writer_data(w, g, bytes, error);                                     ... in that order
 *     sam_writer_end(w, error);                          record complete and flushed; start again
 *
 * The header is padded with spaces so that the data starts on a multiple of 64 bytes. */
#ifndef SAM_STREAM_WRITER_H
#define SAM_STREAM_WRITER_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "stream/safetensors.h"

struct sam_writer;

/* Writes to `file`, which stays the caller's; `name` is used in messages and copied. */
struct sam_writer *sam_writer_new(FILE *file, const char *name, struct sam_error *error);
void sam_writer_free(struct sam_writer *writer);

/* Metadata of the record to come. The value is copied. */
int sam_writer_meta(struct sam_writer *writer, const char *key, const char *value,
                    struct sam_error *error);

/* Announces the next tensor. Names must differ; shape has ndim <= 16 entries. */
int sam_writer_tensor(struct sam_writer *writer, const char *name, enum sam_dtype dtype, int ndim,
                      const size_t *shape, struct sam_error *error);

/* Announces current/NAME and perturbed/NAME, in this order. */
int sam_writer_pair(struct sam_writer *writer, const char *name, enum sam_dtype dtype, int ndim,
                    const size_t *shape, struct sam_error *error);

/* Gives the record to come the metadata `xxh3`. As the header comes before the data, they wait in a
 * temporary file, and everything is written by sam_writer_end(). */
int sam_writer_checksum(struct sam_writer *writer, struct sam_error *error);

/* Writes the header; then the data, in pieces of any size. The last byte waits for
 * sam_writer_end(): a record whose maker fails, if only over a checksum at the end of what it
 * reads, is seen to be cut by whoever reads it. */
int sam_writer_header(struct sam_writer *writer, struct sam_error *error);
int sam_writer_data(struct sam_writer *writer, const void *data, size_t bytes,
                    struct sam_error *error);

/* Ends the record: checks that every announced byte was written, and flushes. */
int sam_writer_end(struct sam_writer *writer, struct sam_error *error);

/* One whole gradient record: for each of `count` tensors the pair current/NAME, perturbed/NAME,
 * next to each other, as F32. `meta` (meta_count) is written as it is, after which `xxh3` is added
 * when `checksum` is set. current and perturbed are flat arrays, tensor i at `offset[i]`. */
struct sam_writer_parameter {
    const char *name;
    int ndim;
    const size_t *shape;
    size_t offset, count;
};
int sam_writer_gradients(struct sam_writer *writer, const struct sam_meta *meta, size_t meta_count,
                         const struct sam_writer_parameter *parameters, size_t count,
                         const float *current, const float *perturbed, int checksum,
                         struct sam_error *error);

#endif
