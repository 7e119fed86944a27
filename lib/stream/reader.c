#include "stream/reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/memory.h"
#include "base/number.h"
#include "stream/half.h"
#include "stream/source.h"

enum { CHUNK_BYTES = SAM_READER_CHUNK * sizeof(float) };

/* The data of a record pass in their order, each byte once. When a pair's last tensor passes, the
 * chunks of its first one are read beside it (regular file) or were held back (pipe). */
struct sam_reader {
    struct sam_source source;
    struct sam_record record;
    struct sam_header header;
    struct sam_pair *pairs;
    uint64_t data_offset; /* of the record's data in the stream */
    bool begun, passed;   /* a record was begun; its data passed at least once */

    bool checked; /* the record names its checksum, and it was not verified yet */
    uint64_t checksum;
    XXH3_state_t *hash;

    struct sam_arena *buffers; /* of which only what is used is ever touched */
    unsigned char *bytes[2];   /* a chunk of the first and of the last tensor, as they are read */
    float *singles[2];         /* ... and widened */

    /* Per tensor of the header: its pair, or NULL if it has none or it is not wanted now. */
    const struct sam_pair **pair_of;
    struct sam_arena *holding; /* for what is held back */
    size_t holding_bytes;
    size_t held_count;          /* tensors held back now */
    const unsigned char **held; /* per pair: its first tensor, if held back */
};

static int make_buffers(struct sam_reader *reader, struct sam_error *error)
{
    reader->buffers = sam_arena_new(4 * CHUNK_BYTES, error);
    if (!reader->buffers)
        return -1;
    for (int i = 0; i < 2; i++) {
        reader->bytes[i] = sam_arena_take(reader->buffers, CHUNK_BYTES, 1, error);
        reader->singles[i] = sam_arena_take(reader->buffers, CHUNK_BYTES, 1, error);
    }
    reader->hash = XXH3_createState();
    if (!reader->hash)
        return sam_error_set(error, SAM_FAILED, "out of memory: the state of a checksum wanted");
    return 0;
}

struct sam_reader *sam_reader_new(const char *path, struct sam_error *error)
{
    struct sam_reader *reader = sam_memory_new(1, sizeof *reader, error);
    if (!reader)
        return NULL;
    if (sam_source_open(&reader->source, path, error) || make_buffers(reader, error)) {
        sam_reader_free(reader);
        return NULL;
    }
    return reader;
}

static void forget_record(struct sam_reader *reader)
{
    sam_header_free(&reader->header);
    free(reader->pairs);
    free(reader->pair_of);
    free(reader->held);
    reader->pairs = NULL;
    reader->pair_of = NULL;
    reader->held = NULL;
}

void sam_reader_free(struct sam_reader *reader)
{
    if (!reader)
        return;
    forget_record(reader);
    XXH3_freeState(reader->hash);
    sam_arena_free(reader->buffers);
    sam_arena_free(reader->holding);
    sam_source_close(&reader->source);
    free(reader);
}

const char *sam_reader_name(const struct sam_reader *reader)
{
    return reader->source.name;
}

bool sam_reader_repeats(const struct sam_reader *reader)
{
    return reader->source.regular;
}

/* --- Data ------------------------------------------------------------------------------------- */

static int fail_truncated(const struct sam_reader *reader, uint64_t seen, struct sam_error *error)
{
    return sam_source_fail(&reader->source, error,
                           "truncated: ends at byte %" PRIu64 " in the data, wanted %" PRIu64, seen,
                           reader->data_offset + reader->header.data_bytes);
}

/* The next bytes of the data. */
static int fetch(struct sam_reader *reader, void *buffer, size_t bytes, struct sam_error *error)
{
    size_t got;
    if (sam_source_read(&reader->source, buffer, bytes, &got, error))
        return -1;
    if (got < bytes)
        return fail_truncated(reader, reader->source.position, error);
    if (reader->checked)
        XXH3_64bits_update(reader->hash, buffer, bytes);
    return 0;
}

/* Bytes that have passed, of a regular file, once more. */
static int fetch_again(struct sam_reader *reader, uint64_t place, void *buffer, size_t bytes,
                       struct sam_error *error)
{
    const uint64_t position = reader->data_offset + place;
    size_t got;
    if (sam_source_read_at(&reader->source, position, buffer, bytes, &got, error))
        return -1;
    return got < bytes ? fail_truncated(reader, position + got, error) : 0;
}

/* Lets `bytes` bytes pass that nobody wants now. */
static int skip(struct sam_reader *reader, uint64_t bytes, struct sam_error *error)
{
    if (reader->source.regular && !reader->checked) {
        reader->source.position += bytes;
        return 0;
    }
    while (bytes > 0) {
        const size_t n = bytes < CHUNK_BYTES ? (size_t)bytes : CHUNK_BYTES;
        if (fetch(reader, reader->bytes[0], n, error))
            return -1;
        bytes -= n;
    }
    return 0;
}

/* Lets the first tensor of a pair pass, so that its chunks can be had when the last one passes. */
static int pass_first(struct sam_reader *reader, const struct sam_pair *pair,
                      struct sam_error *error)
{
    const uint64_t bytes = sam_pair_first(pair)->end - sam_pair_first(pair)->begin;
    if (reader->source.regular || bytes == 0)
        return skip(reader, bytes, error);
    unsigned char *held = sam_arena_take(reader->holding, 1, bytes, error);
    if (!held)
        return -1;
    reader->held[pair - reader->pairs] = held;
    reader->held_count++;
    return fetch(reader, held, bytes, error);
}

/* `n` elements at `bytes` as a visitor gets them; 16-bit ones are widened into `singles`. */
static const void *widen(enum sam_dtype dtype, const void *bytes, size_t n, float *singles)
{
    if (dtype == SAM_F16)
        sam_half_widen_f16(bytes, n, singles);
    else if (dtype == SAM_BF16)
        sam_half_widen_bf16(bytes, n, singles);
    else
        return bytes;
    return singles;
}

/* Elements chunk->first and on of the pair, of both tensors, into `chunk`. */
static int load_chunk(struct sam_reader *reader, const struct sam_pair *pair,
                      struct sam_chunk *chunk, struct sam_error *error)
{
    const enum sam_dtype dtype = pair->current->dtype;
    const size_t size = sam_dtype_size(dtype), bytes = chunk->count * size;
    const uint64_t place = chunk->first * size;
    const void *sides[2] = {NULL, NULL}; /* of the first tensor, of the last */

    if (fetch(reader, reader->bytes[1], bytes, error))
        return -1;
    sides[1] = widen(dtype, reader->bytes[1], chunk->count, reader->singles[1]);
    if (pair->perturbed) {
        const unsigned char *first = reader->bytes[0];
        if (reader->source.regular) {
            if (fetch_again(reader, sam_pair_first(pair)->begin + place, reader->bytes[0], bytes,
                            error))
                return -1;
        } else {
            first = reader->held[pair - reader->pairs] + place;
        }
        sides[0] = widen(dtype, first, chunk->count, reader->singles[0]);
    }
    const bool current_first = pair->perturbed && sam_pair_first(pair) == pair->current;
    chunk->current = sides[!current_first];
    chunk->perturbed = sides[current_first];
    return 0;
}

/* Visits a pair while its last tensor passes. */
static int pass_last(struct sam_reader *reader, const struct sam_pair *pair,
                     sam_reader_visitor *visit, void *context, struct sam_error *error)
{
    const enum sam_dtype dtype = pair->current->dtype;
    const size_t most = dtype == SAM_F64 ? CHUNK_BYTES / sizeof(double) : SAM_READER_CHUNK;
    struct sam_chunk chunk = {
        .pair = (size_t)(pair - reader->pairs),
        .dtype = dtype == SAM_F16 || dtype == SAM_BF16 ? SAM_F32 : dtype,
    };
    for (; chunk.first < pair->count; chunk.first += chunk.count) {
        const uint64_t left = pair->count - chunk.first;
        chunk.count = left < most ? (size_t)left : most;
        if (load_chunk(reader, pair, &chunk, error) || visit(context, &chunk, error))
            return -1;
    }
    if (reader->held[chunk.pair]) {
        reader->held[chunk.pair] = NULL;
        if (--reader->held_count == 0)
            sam_arena_rewind(reader->holding, 0);
    }
    return 0;
}

static void mark_wanted(struct sam_reader *reader, const bool *wanted, bool any)
{
    memset(reader->pair_of, 0, reader->header.tensor_count * sizeof(*reader->pair_of));
    for (size_t i = 0; i < reader->record.pair_count && any; i++) {
        const struct sam_pair *pair = &reader->pairs[i];
        if (wanted && !wanted[i])
            continue;
        reader->pair_of[sam_pair_first(pair) - reader->header.tensors] = pair;
        reader->pair_of[sam_pair_last(pair) - reader->header.tensors] = pair;
    }
}

/* The most that will be held back at a time. Room is given out in order and is free again when
 * nothing is held any more. */
static uint64_t held_bytes(const struct sam_reader *reader)
{
    uint64_t used = 0, most = 0;
    size_t held = 0;
    for (size_t i = 0; i < reader->header.tensor_count; i++) {
        const struct sam_tensor *tensor = &reader->header.tensors[i];
        const struct sam_pair *pair = reader->pair_of[i];
        if (!pair || !pair->perturbed)
            continue;
        if (tensor == sam_pair_first(pair)) {
            held++;
            used += (tensor->end - tensor->begin + SAM_MEMORY_ALIGNMENT - 1) /
                    SAM_MEMORY_ALIGNMENT * SAM_MEMORY_ALIGNMENT;
            most = used > most ? used : most;
        } else if (--held == 0) {
            used = 0;
        }
    }
    return most;
}

static int prepare_holding(struct sam_reader *reader, struct sam_error *error)
{
    const uint64_t bytes = reader->source.regular ? 0 : held_bytes(reader);
    struct sam_error cause;
    if (bytes <= reader->holding_bytes)
        return 0;
    sam_arena_free(reader->holding);
    reader->holding_bytes = 0;
    reader->holding = sam_arena_new(bytes, &cause);
    if (!reader->holding)
        return sam_source_fail(&reader->source, error, "%s", cause.text);
    reader->holding_bytes = bytes;
    return 0;
}

static int pass_tensor(struct sam_reader *reader, size_t i, sam_reader_visitor *visit,
                       void *context, struct sam_error *error)
{
    const struct sam_tensor *tensor = &reader->header.tensors[i];
    const struct sam_pair *pair = reader->pair_of[i];
    if (!pair)
        return skip(reader, tensor->end - tensor->begin, error);
    if (tensor == sam_pair_last(pair))
        return pass_last(reader, pair, visit, context, error);
    return pass_first(reader, pair, error);
}

/* What remains to be seen when all data have passed: that the file did not end before, where its
 * end was skipped, and that the bytes are those that were written. */
static int check_passed(struct sam_reader *reader, struct sam_error *error)
{
    const uint64_t bytes = reader->header.data_bytes;
    unsigned char last;
    if (reader->source.regular && bytes > 0 && fetch_again(reader, bytes - 1, &last, 1, error))
        return -1;
    if (!reader->checked)
        return 0;
    reader->checked = false;
    return sam_source_verify(&reader->source, reader->checksum, XXH3_64bits_digest(reader->hash),
                             error);
}

/* Lets the data of the record pass; those of the wanted pairs past `visit`, where there is one. */
static int pass(struct sam_reader *reader, const bool *wanted, sam_reader_visitor *visit,
                void *context, struct sam_error *error)
{
    if (reader->source.regular)
        reader->source.position = reader->data_offset;
    mark_wanted(reader, wanted, visit != NULL);
    if (prepare_holding(reader, error))
        return -1;
    XXH3_64bits_reset(reader->hash);
    for (size_t i = 0; i < reader->header.tensor_count; i++)
        if (pass_tensor(reader, i, visit, context, error))
            return -1;
    reader->passed = true;
    return check_passed(reader, error);
}

/* --- Records ---------------------------------------------------------------------------------- */

/* A number in the metadata; *value stays where there is none. */
static int meta_number(const struct sam_reader *reader, const char *key, uint64_t *value,
                       bool *present, struct sam_error *error)
{
    const char *text = sam_header_meta(&reader->header, key);
    struct sam_error cause;
    *present = text != NULL;
    if (text && sam_number_count(key, text, 0, UINT64_MAX, value, &cause))
        return sam_source_fail(&reader->source, error, "metadata %s", cause.text);
    return 0;
}

static int fill_record(struct sam_reader *reader, struct sam_error *error)
{
    struct sam_record *record = &reader->record;
    bool has_step;
    record->number = record->step = reader->source.record;
    record->epoch = 0;
    record->offset = reader->source.record_offset;
    record->header = &reader->header;
    record->pairs = reader->pairs;
    record->parameters = 0;
    for (size_t i = 0; i < record->pair_count; i++)
        record->parameters += reader->pairs[i].count;
    if (meta_number(reader, "step", &record->step, &has_step, error) ||
        meta_number(reader, "epoch", &record->epoch, &record->has_epoch, error))
        return -1;
    return sam_source_checksum(&reader->source, &reader->header, &reader->checked,
                               &reader->checksum, error);
}

static int begin_record(struct sam_reader *reader, struct sam_error *error)
{
    struct sam_error cause;
    reader->begun = true;
    reader->passed = false;
    reader->data_offset = reader->source.position;
    if (sam_pairs_find(&reader->header, &reader->pairs, &reader->record.pair_count, &cause))
        return sam_source_fail(&reader->source, error, "%s", cause.text);
    reader->pair_of = sam_memory_new(reader->header.tensor_count, sizeof(*reader->pair_of), &cause);
    if (!reader->pair_of)
        return sam_source_fail(&reader->source, error, "%s", cause.text);
    reader->held = sam_memory_new(reader->record.pair_count, sizeof(*reader->held), &cause);
    if (!reader->held)
        return sam_source_fail(&reader->source, error, "%s", cause.text);
    return fill_record(reader, error);
}

int sam_reader_next(struct sam_reader *reader, const struct sam_record **record,
                    struct sam_error *error)
{
    if (reader->begun && !reader->passed && pass(reader, NULL, NULL, NULL, error))
        return -1;
    if (reader->source.regular && reader->begun)
        reader->source.position = reader->data_offset + reader->header.data_bytes;
    forget_record(reader);
    const int more = sam_source_header(&reader->source, &reader->header, error);
    if (more == 0 && !reader->begun)
        return sam_source_fail(&reader->source, error, "empty, wanted at least one record");
    if (more != 1)
        return more;
    *record = &reader->record;
    return begin_record(reader, error) ? -1 : 1;
}

int sam_reader_visit(struct sam_reader *reader, const bool *wanted, sam_reader_visitor *visit,
                     void *context, struct sam_error *error)
{
    return pass(reader, wanted, visit, context, error);
}
