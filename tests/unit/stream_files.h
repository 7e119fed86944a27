/* stream_files - what the stream tests share: records built byte by byte after the format's
 * description (8 bytes of little-endian length, JSON, data), not by the code under test; the same
 * bytes as a regular file and through a pipe; and the headers that cmocka wants before it. */
#ifndef SAM_TESTS_STREAM_FILES_H
#define SAM_TESTS_STREAM_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "stream/reader.h"

/* --- Bytes ------------------------------------------------------------------------------------ */

struct bytes {
    unsigned char data[1 << 14];
    size_t size;
};

static inline void add_bytes(struct bytes *bytes, const void *data, size_t size)
{
    assert_true(size <= sizeof bytes->data - bytes->size);
    if (size > 0)
        memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

static inline void add_length(struct bytes *bytes, uint64_t length)
{
    unsigned char little_endian[8];
    for (int i = 0; i < 8; i++)
        little_endian[i] = (unsigned char)(length >> 8 * i);
    add_bytes(bytes, little_endian, 8);
}

static inline void add_record(struct bytes *bytes, const char *json, const void *data, size_t size)
{
    add_length(bytes, strlen(json));
    add_bytes(bytes, json, strlen(json));
    add_bytes(bytes, data, size);
}

/* --- Files ------------------------------------------------------------------------------------ */

enum how { AS_FILE, AS_PIPE, HOWS };

/* A stream of bytes under a name that a reader can open. */
struct fixture {
    char path[64];
    int descriptor; /* of the pipe's end that is read, or of the file */
    enum how how;
};

/* A pipe holds 64 KiB: all of `bytes` can be in it before anyone reads. */
static inline void fixture_open(struct fixture *fixture, const struct bytes *bytes, enum how how)
{
    int ends[2];
    fixture->how = how;
    if (how == AS_PIPE) {
        assert_int_equal(pipe(ends), 0);
        fixture->descriptor = ends[0];
        assert_int_equal(write(ends[1], bytes->data, bytes->size), bytes->size);
        close(ends[1]);
        snprintf(fixture->path, sizeof fixture->path, "/dev/fd/%d", ends[0]);
        return;
    }
    strcpy(fixture->path, "/tmp/test_stream.XXXXXX");
    fixture->descriptor = mkstemp(fixture->path);
    assert_true(fixture->descriptor >= 0);
    assert_int_equal(write(fixture->descriptor, bytes->data, bytes->size), bytes->size);
}

static inline void fixture_close(struct fixture *fixture)
{
    close(fixture->descriptor);
    if (fixture->how == AS_FILE)
        unlink(fixture->path);
}

/* --- What a reader sees ----------------------------------------------------------------------- */

enum { SEEN_PAIRS = 8, SEEN_ELEMENTS = 64 };

/* The elements of a record's pairs, gathered by a visitor that demands their order. */
struct seen {
    size_t counts[SEEN_PAIRS];
    double current[SEEN_PAIRS][SEEN_ELEMENTS], perturbed[SEEN_PAIRS][SEEN_ELEMENTS];
    enum sam_dtype dtype;
    size_t last_pair;
};

static inline double element(enum sam_dtype dtype, const void *array, size_t i)
{
    switch (dtype) {
    case SAM_F64:
        return ((const double *)array)[i];
    case SAM_F32:
        return ((const float *)array)[i];
    case SAM_U8:
        return ((const uint8_t *)array)[i];
    default:
        fail_msg("a chunk of dtype %s", sam_dtype_name(dtype));
        return 0;
    }
}

static inline int see(void *context, const struct sam_chunk *chunk, struct sam_error *error)
{
    struct seen *seen = context;
    (void)error;
    assert_true(chunk->pair >= seen->last_pair && chunk->pair < SEEN_PAIRS);
    assert_int_equal(chunk->first, seen->counts[chunk->pair]);
    assert_true(chunk->count > 0 && chunk->count <= SAM_READER_CHUNK);
    for (size_t i = 0; i < chunk->count; i++) {
        const size_t at = seen->counts[chunk->pair]++;
        assert_true(at < SEEN_ELEMENTS);
        seen->current[chunk->pair][at] = element(chunk->dtype, chunk->current, i);
        if (chunk->dtype != SAM_U8)
            seen->perturbed[chunk->pair][at] = element(chunk->dtype, chunk->perturbed, i);
    }
    seen->dtype = chunk->dtype;
    seen->last_pair = chunk->pair;
    return 0;
}

/* Reads a whole stream, visiting all; the number of records, or -1. */
static inline int read_all(const char *path, struct sam_error *error)
{
    const struct sam_record *record;
    int more = -1, records = 0;
    struct sam_reader *reader = sam_reader_new(path, error);
    while (reader && (more = sam_reader_next(reader, &record, error)) == 1) {
        struct seen seen = {.last_pair = 0};
        if (sam_reader_visit(reader, NULL, see, &seen, error)) {
            more = -1;
            break;
        }
        records++;
    }
    sam_reader_free(reader);
    return more < 0 ? -1 : records;
}

static inline void assert_text_has(const char *text, const char *wanted)
{
    if (!strstr(text, wanted))
        fail_msg("'%s' is not in '%s'", wanted, text);
}

#endif
