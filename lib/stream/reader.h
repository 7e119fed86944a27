/* reader - gradient and class records in, from a file or a pipe, without ever holding a record.
 *
 *     struct sam_reader *r = sam_reader_new(path, error);      NULL or "-": standard input
 *     while ((got = sam_reader_next(r, &record, error)) == 1)
 *         sam_reader_visit(r, visit, context, error);          its pairs, chunk by chunk
 *
 * Memory: one header, a few small buffers, and - where the stream cannot be read at two places (a
 * pipe) and a perturbed/NAME does not directly follow its current/NAME - the tensors whose partner
 * has not come yet. In a regular file both places are read in step. */
#ifndef SAM_STREAM_READER_H
#define SAM_STREAM_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "stream/safetensors.h"

struct sam_reader;

/* One parameter tensor of a record: a current/ and perturbed/ pair, or a class/ tensor. */
struct sam_pair {
    const char *name; /* without the prefix */
    int ndim;
    const uint64_t *shape;
    uint64_t count;
    bool classes; /* a class/NAME tensor of ratio classes */
};

/* A record. Valid until the next call of sam_reader_next(). Pairs are in the order of the data of
 * their first tensor. */
struct sam_record {
    uint64_t number; /* in the stream, from 1 */
    uint64_t step;   /* metadata, or `number` where there is none */
    uint64_t epoch;  /* metadata; 0 where there is none */
    bool has_epoch;
    uint64_t offset; /* of its first byte in the file */
    const struct sam_header *header;
    const struct sam_pair *pairs;
    size_t pair_count;
    uint64_t parameters; /* sum of the counts */
};

/* Opens a stream; NULL or "-" is standard input. */
struct sam_reader *sam_reader_new(const char *path, struct sam_error *error);
void sam_reader_free(struct sam_reader *reader);

/* The name that messages use: the path, or "standard input". */
const char *sam_reader_name(const struct sam_reader *reader);

/* The next record: 1, or 0 at the end of the stream, or -1. Skips what of the record before was not
 * visited (still checking it). A record holds gradient pairs, or class tensors; one that has neither
 * is refused. */
int sam_reader_next(struct sam_reader *reader, const struct sam_record **record,
                    struct sam_error *error);

/* A piece of a pair, in order within its pair. dtype is SAM_F32 or SAM_F64 for gradients (F16 and BF16
 * come converted to F32, exactly), SAM_U8 for classes (in `current`; `perturbed` is NULL). */
struct sam_chunk {
    size_t pair;    /* index in record->pairs */
    uint64_t first; /* element of the pair that the chunk starts with */
    size_t count;   /* elements; at most a few ten thousand, so that they stay in the cache */
    enum sam_dtype dtype;
    const void *current, *perturbed;
};

/* Returns 0 to go on, -1 (with error filled) to stop. */
typedef int sam_reader_visitor(void *context, const struct sam_chunk *chunk,
                               struct sam_error *error);

/* Visits the pairs for which wanted[pair] is set (all, if `wanted` is NULL), each once, chunk by
 * chunk. After all data has passed, the checksum is verified where the record has one: a mismatch is
 * an error, so a caller must not publish a record's results before this returns 0. */
int sam_reader_visit(struct sam_reader *reader, const bool *wanted, sam_reader_visitor *visit,
                     void *context, struct sam_error *error);

#endif
