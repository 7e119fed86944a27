/* source - the bytes of a stream, from a regular file, which can be read at any place, or from a
 * pipe (a terminal, a socket), which comes once. Inside this room. */
#ifndef SAM_STREAM_SOURCE_H
#define SAM_STREAM_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "stream/mapping.h"
#include "stream/safetensors.h"

struct sam_source {
    int fd;
    bool regular;      /* sam_source_read_at() works, and `position` may be set */
    char *name;        /* for messages */
    uint64_t base;     /* place in the file of the stream's first byte */
    uint64_t position; /* of the next byte in the stream */

    /* The record being read, for messages: its number from 1, 0 before the first one and in files
     * that have no records, and the place of its first byte. */
    uint64_t record, record_offset;
    char *json; /* its header, in a buffer used again for each record */
    size_t json_capacity;
};

/* Opens a file; NULL or "-" is standard input, read from where it stands. */
int sam_source_open(struct sam_source *source, const char *path, struct sam_error *error);
void sam_source_close(struct sam_source *source);

/* Reads `bytes` bytes, or fewer (*got) if the stream ends before. */
int sam_source_read(struct sam_source *source, void *buffer, size_t bytes, size_t *got,
                    struct sam_error *error);

/* The same from another place of a regular file; `position` stays. */
int sam_source_read_at(const struct sam_source *source, uint64_t position, void *buffer,
                       size_t bytes, size_t *got, struct sam_error *error);

/* Maps `bytes` bytes of a regular file; NULL where that cannot be had. The caller frees. */
struct sam_mapping *sam_source_map(const struct sam_source *source, uint64_t position,
                                   uint64_t bytes);

/* Bytes of the stream, as long as the file is now; UINT64_MAX of what is no regular file. */
uint64_t sam_source_size(const struct sam_source *source);

/* Begins the next record: reads and parses its header, after which `position` is where its data
 * begin. 1, or 0 at the end of the stream, or -1. The caller frees the header. */
int sam_source_header(struct sam_source *source, struct sam_header *header,
                      struct sam_error *error);

/* Fills `error` with "NAME: record N at byte B: TEXT", or "NAME: TEXT" where there is no record,
 * and returns -1. */
int sam_source_fail(const struct sam_source *source, struct sam_error *error, const char *format,
                    ...) __attribute__((format(printf, 3, 4)));

/* The XXH3-64 that the record's metadata name: *present, *sum. Refuses what is not 16 hexadecimal
 * digits. */
int sam_source_checksum(const struct sam_source *source, const struct sam_header *header,
                        bool *present, uint64_t *sum, struct sam_error *error);

/* Compares the sum of the data with the one wanted. */
int sam_source_verify(const struct sam_source *source, uint64_t wanted, uint64_t seen,
                      struct sam_error *error);

#endif
