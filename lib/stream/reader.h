/* reader - gradient and class records in, from a file or a pipe, without holding a large record.
 *
 *     struct sam_reader *r = sam_reader_new(path, error);      NULL or "-": standard input
 *     while ((got = sam_reader_next(r, &record, error)) == 1)
 *         sam_reader_visit(r, visit, context, error);          its pairs, chunk by chunk
 *
 * Threads: records over 2 MB of a regular file are read and prepared by two threads where there are
 * processors for them. Visitors run on either of the two, in order, one at a time, and see what the
 * ones before them wrote; they must not depend on their thread.
 *
 * Memory: one header and its text, a few small buffers, and - where the stream cannot be read at
 * two places (a pipe) - the tensors whose partners have not come yet: one where perturbed/NAME
 * directly follows current/NAME, half a record where all of one kind come first. In a regular file
 * both places are read in step; records of at most 2 MB are held, and those up to 16 GB are mapped
 * where they can be and that is faster, and take up 20 MB of the file's pages and a 512th of their
 * size to manage them. After an error a reader is good for sam_reader_free() alone. */
#ifndef SAM_STREAM_READER_H
#define SAM_STREAM_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "stream/pairs.h"
#include "stream/safetensors.h"

struct sam_reader;

/* A record. Valid until the next call of sam_reader_next(). Pairs are in the order in which they
 * are visited: that of the data of their last tensors. */
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

/* The next record: 1, or 0 at the end of the stream, or -1. Passes over the record before if it was
 * not visited, still checking it. A record holds gradient pairs, or class tensors; one that has
 * neither or both is refused, and so is a stream without a record. */
int sam_reader_next(struct sam_reader *reader, const struct sam_record **record,
                    struct sam_error *error);

/* Elements of a chunk at most: both sides of it stay in a core's second-level cache. */
enum { SAM_READER_CHUNK = 1 << 16 };

/* A piece of a pair, in order within its pair; a pair without elements has none. All but a pair's
 * last have SAM_READER_CHUNK elements, half as many of F64. dtype is SAM_F32 or SAM_F64 for
 * gradients (F16 and BF16 come converted to F32, exactly), SAM_U8 for classes (in `current`;
 * `perturbed` is NULL). The arrays are aligned as their elements want it. Gradients may be the
 * file's own pages: who changes the file while it is read changes them. */
struct sam_chunk {
    size_t pair;    /* index in record->pairs */
    uint64_t first; /* element of the pair that the chunk starts with */
    size_t count;   /* elements, 1 .. SAM_READER_CHUNK */
    enum sam_dtype dtype;
    const void *current, *perturbed;
    void *prepared; /* what was made of the chunk before its visit; else NULL */
};

/* What is to be made of each chunk before it is visited, on whatever thread has read it, several at
 * a time: `prepare` fills the `bytes` bytes of chunk->prepared, aligned to 64 and not zeroed, from
 * the chunk and `context` alone, and returns 0, or -1 with error filled: then the visit ends with
 * that error when it is the chunk's turn. */
struct sam_preparation {
    int (*prepare)(const void *context, const struct sam_chunk *chunk, struct sam_error *error);
    const void *context;
    size_t bytes;
};

/* Returns 0 to go on, -1 (with error filled) to stop. */
typedef int sam_reader_visitor(void *context, const struct sam_chunk *chunk,
                               struct sam_error *error);

/* Visits the pairs for which wanted[pair] is set (all, if `wanted` is NULL), one after the other,
 * chunk by chunk. After all data have passed, the checksum is verified where the record has one: a
 * mismatch is an error, so a caller must not publish a record's results before this returns 0.
 * A record is visited once, or as often as wanted where sam_reader_repeats(). */
int sam_reader_visit(struct sam_reader *reader, const bool *wanted, sam_reader_visitor *visit,
                     void *context, struct sam_error *error);

/* The same of chunks that are prepared; `preparation` may be NULL. */
int sam_reader_visit_prepared(struct sam_reader *reader, const bool *wanted,
                              const struct sam_preparation *preparation, sam_reader_visitor *visit,
                              void *context, struct sam_error *error);

/* The stream is a regular file: a record may be visited several times. */
bool sam_reader_repeats(const struct sam_reader *reader);

#endif
