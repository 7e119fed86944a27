#include "stream/reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/number.h"
#include "stream/ahead.h"
#include "stream/half.h"
#include "stream/source.h"
#include "stream/trial.h"

enum { CHUNK_BYTES = SAM_READER_CHUNK * sizeof(float) };

/* Records of a file of at most so many bytes are read whole, before a second thread would have
 * begun; larger ones are mapped, or read in pieces, whatever is faster. */
enum { SMALL_BYTES = 2 << 20 };

/* Of more bytes than that pieces are read: what the system keeps to manage a mapping is a 512th. */
static const uint64_t most_mapped = (uint64_t)16 << 30;

/* Room for a chunk: of the first and of the last tensor, as they are read, and widened; and for
 * what is made of them. */
struct room {
    unsigned char *bytes[2];
    float *singles[2];
    void *prepared;
};

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
    unsigned char *hashed; /* a piece of a file, read to be hashed */

    struct sam_arena *buffers; /* of which only the pages used are ever touched */
    struct room rooms[SAM_AHEAD_ROOMS];

    const struct sam_preparation *preparation; /* of the visit, or NULL */
    struct sam_arena *preparing;               /* for what is prepared in each room */

    /* Of a file: the pairs to be visited now, or NULL for all; the data of a small record, once
     * they were read, or NULL; those of a large one, while it is visited, or NULL, whether they are
     * looked at there, and who visits them. */
    const bool *wanted;
    struct sam_arena *holding_small;
    const unsigned char *small;
    struct sam_mapping *mapping;
    struct sam_trial *trial;
    struct sam_pool *pool;

    /* Of a pipe: per tensor of the header its pair, or NULL if it has none or it is not wanted. */
    const struct sam_pair **pair_of;
    struct sam_arena *holding;  /* for what is held back */
    size_t held_count;          /* tensors held back now */
    const unsigned char **held; /* per pair: its first tensor, if held back */
};

static int make_buffers(struct sam_reader *reader, struct sam_error *error)
{
    const size_t bytes = (size_t)CHUNK_BYTES * (4 * SAM_AHEAD_ROOMS + 1);
    if (!(reader->buffers = sam_arena_new(bytes, error)) || !(reader->trial = sam_trial_new(error)))
        return -1;
    for (struct room *room = reader->rooms; room < reader->rooms + SAM_AHEAD_ROOMS; room++)
        for (int side = 0; side < 2; side++) {
            room->bytes[side] = sam_arena_take(reader->buffers, CHUNK_BYTES, 1, error);
            room->singles[side] = sam_arena_take(reader->buffers, CHUNK_BYTES, 1, error);
        }
    reader->hashed = sam_arena_take(reader->buffers, CHUNK_BYTES, 1, error);
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

static void forget_pairs(struct sam_reader *reader)
{
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
    sam_pool_free(reader->pool);
    forget_pairs(reader);
    sam_header_free(&reader->header);
    XXH3_freeState(reader->hash);
    sam_trial_free(reader->trial);
    sam_arena_free(reader->buffers);
    sam_arena_free(reader->preparing);
    sam_arena_free(reader->holding);
    sam_arena_free(reader->holding_small);
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

/* --- Chunks ----------------------------------------------------------------------------------- */

/* Bytes were seen up to `seen`; a file ends where it ends now, unless it has grown since. */
static int fail_truncated(const struct sam_reader *reader, uint64_t seen, struct sam_error *error)
{
    const uint64_t size = sam_source_size(&reader->source);
    return sam_source_fail(
        &reader->source, error, "truncated: ends at byte %" PRIu64 " in the data, wanted %" PRIu64,
        size < seen ? size : seen, reader->data_offset + reader->header.data_bytes);
}

/* That a file is as long as its header says. */
static int check_size(const struct sam_reader *reader, struct sam_error *error)
{
    const uint64_t size = sam_source_size(&reader->source);
    if (size < reader->data_offset || size - reader->data_offset < reader->header.data_bytes)
        return fail_truncated(reader, size, error);
    return 0;
}

/* Moves `chunk` on by one within the pair; false behind the last. A count of zero is before the
 * first. */
static bool next_in_pair(const struct sam_pair *pair, struct sam_chunk *chunk)
{
    const enum sam_dtype dtype = pair->current->dtype;
    const size_t most = dtype == SAM_F64 ? CHUNK_BYTES / sizeof(double) : SAM_READER_CHUNK;
    chunk->first += chunk->count;
    const uint64_t left = pair->count - chunk->first;
    chunk->count = left < most ? (size_t)left : most;
    chunk->dtype = dtype == SAM_F16 || dtype == SAM_BF16 ? SAM_F32 : dtype;
    return left > 0;
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

/* Makes the bytes of the pair's first and last tensor (NULL for `first` of a class) the data of the
 * chunk, and prepares it. */
static int set_data(const struct sam_reader *reader, const struct room *room, const void *first,
                    const void *last, struct sam_chunk *chunk, struct sam_error *error)
{
    const struct sam_preparation *preparation = reader->preparation;
    const struct sam_pair *pair = &reader->pairs[chunk->pair];
    const enum sam_dtype dtype = pair->current->dtype;
    const bool current_first = pair->perturbed && sam_pair_first(pair) == pair->current;
    const void *sides[2] = {first ? widen(dtype, first, chunk->count, room->singles[0]) : NULL,
                            widen(dtype, last, chunk->count, room->singles[1])};
    chunk->current = sides[!current_first];
    chunk->perturbed = sides[current_first];
    chunk->prepared = preparation ? room->prepared : NULL;
    return preparation ? preparation->prepare(preparation->context, chunk, error) : 0;
}

/* Room for `preparation`, in each room. */
static int make_preparing(struct sam_reader *reader, const struct sam_preparation *preparation,
                          struct sam_error *error)
{
    reader->preparation = preparation;
    if (!preparation)
        return 0;
    const size_t bytes = preparation->bytes + SAM_MEMORY_ALIGNMENT;
    reader->preparing = sam_arena_renew(reader->preparing, bytes * SAM_AHEAD_ROOMS, error);
    for (int i = 0; i < SAM_AHEAD_ROOMS && reader->preparing; i++)
        reader->rooms[i].prepared = sam_arena_take(reader->preparing, preparation->bytes, 1, error);
    return reader->preparing ? 0 : -1;
}

static int verify(struct sam_reader *reader, uint64_t sum, struct sam_error *error)
{
    reader->checked = false;
    return sam_source_verify(&reader->source, reader->checksum, sum, error);
}

/* The same of what was hashed piece by piece. */
static int verify_hashed(struct sam_reader *reader, struct sam_error *error)
{
    return verify(reader, XXH3_64bits_digest(reader->hash), error);
}

/* --- The data of a file -------------------------------------------------------------------------
 * Read whole, where they are few; else mapped, or read in pieces, at both places of a pair in step,
 * and what is not wanted not at all. */

static int read_at(const struct sam_reader *reader, uint64_t place, void *buffer, size_t bytes,
                   struct sam_error *error)
{
    const uint64_t position = reader->data_offset + place;
    size_t got;
    if (sam_source_read_at(&reader->source, position, buffer, bytes, &got, error))
        return -1;
    return got < bytes ? fail_truncated(reader, position + got, error) : 0;
}

static bool next_chunk(const void *context, struct sam_chunk *chunk)
{
    const struct sam_reader *reader = context;
    for (; chunk->pair < reader->record.pair_count; chunk->pair++) {
        const bool wanted = !reader->wanted || reader->wanted[chunk->pair];
        if (wanted && next_in_pair(&reader->pairs[chunk->pair], chunk))
            return true;
        chunk->first = chunk->count = 0;
    }
    return false;
}

static bool is_aligned(const struct sam_tensor *tensor, const void *at)
{
    return (uintptr_t)at % sam_dtype_size(tensor->dtype) == 0;
}

/* `bytes` bytes of a tensor from `place` on, where they lie or in `buffer`; NULL on failure. */
static const void *bytes_at(const struct sam_reader *reader, const struct sam_tensor *tensor,
                            uint64_t place, size_t bytes, bool mapped, void *buffer,
                            struct sam_error *error)
{
    if (reader->small) {
        const void *at = reader->small + tensor->begin + place;
        return is_aligned(tensor, at) ? at : memcpy(buffer, at, bytes);
    }
    if (mapped) {
        const void *at = sam_mapping_at(reader->mapping, tensor->begin + place);
        /* Classes are used as indices, which must not change after they were checked. */
        if (tensor->dtype != SAM_U8 && is_aligned(tensor, at)) {
            sam_mapping_used(reader->mapping, bytes);
            return at;
        }
    }
    return read_at(reader, tensor->begin + place, buffer, bytes, error) ? NULL : buffer;
}

/* That all bytes used so far in front of `end` were there. */
static int check_mapping(const struct sam_reader *reader, uint64_t end, struct sam_error *error)
{
    uint64_t place;
    unsigned char byte;
    if (!reader->mapping || !sam_mapping_lost(reader->mapping, end, &place))
        return 0;
    if (check_size(reader, error) || read_at(reader, place, &byte, 1, error))
        return -1;
    return sam_source_fail(&reader->source, error,
                           "changed while it was read: byte %" PRIu64 " was not there",
                           reader->data_offset + place);
}

static int load_chunk(const struct sam_reader *reader, const struct room *room, bool mapped,
                      struct sam_chunk *chunk, struct sam_error *error)
{
    const struct sam_pair *pair = &reader->pairs[chunk->pair];
    const size_t size = sam_dtype_size(pair->current->dtype), bytes = chunk->count * size;
    const uint64_t place = chunk->first * size;
    const void *first = NULL, *last;
    if (pair->perturbed && !(first = bytes_at(reader, sam_pair_first(pair), place, bytes, mapped,
                                              room->bytes[0], error)))
        return -1;
    last = bytes_at(reader, sam_pair_last(pair), place, bytes, mapped, room->bytes[1], error);
    if (!last || set_data(reader, room, first, last, chunk, error))
        return -1;
    return check_mapping(reader, sam_pair_last(pair)->begin + place + bytes, error);
}

/* Looks at gradients as a visitor will, by cache lines. */
static void look_at(const struct sam_chunk *chunk)
{
    const size_t bytes = chunk->count * sam_dtype_size(chunk->dtype);
    const volatile unsigned char *sides[2] = {chunk->current, chunk->perturbed};
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < bytes; i += SAM_MEMORY_ALIGNMENT)
            (void)sides[side][i];
}

/* Has the data of a chunk in one of two ways, and the first ones of large tensors in both by turns,
 * to know the faster. What prepares a chunk has looked at it. */
static int read_chunk(const void *context, int room, struct sam_chunk *chunk,
                      struct sam_error *error)
{
    const struct sam_reader *reader = context;
    const struct sam_pair *pair = &reader->pairs[chunk->pair];
    const size_t bytes = chunk->count * sam_dtype_size(pair->current->dtype);
    struct sam_trial_turn turn = {.number = -1};
    if (reader->mapping)
        turn = sam_trial_begin(reader->trial, pair->perturbed && bytes == CHUNK_BYTES);
    if (load_chunk(reader, &reader->rooms[room], turn.mapped, chunk, error))
        return -1;
    if (turn.number >= 0 && !chunk->prepared)
        look_at(chunk);
    sam_trial_end(reader->trial, &turn);
    return 0;
}

/* --- What is hashed, and what is read whole --------------------------------------------------- */

/* A visit whose bytes are hashed beside it: in their own order, as many as are visited, so that the
 * other thread need not wait. */
struct hashing {
    struct sam_reader *reader;
    sam_reader_visitor *visit;
    void *context;
    uint64_t place; /* up to which they are hashed */
};

/* By pieces, after each of which pages may be given back. */
static int hash_to(struct hashing *hashing, uint64_t place, struct sam_error *error)
{
    struct sam_reader *reader = hashing->reader;
    const bool mapped = reader->mapping && sam_trial_maps(reader->trial);
    while (hashing->place < place) {
        const uint64_t left = place - hashing->place;
        const size_t bytes = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
        if (mapped)
            sam_mapping_used(reader->mapping, bytes);
        else if (read_at(reader, hashing->place, reader->hashed, bytes, error))
            return -1;
        XXH3_64bits_update(
            reader->hash, mapped ? sam_mapping_at(reader->mapping, hashing->place) : reader->hashed,
            bytes);
        hashing->place += bytes;
    }
    return 0;
}

static int hash_and_visit(void *context, const struct sam_chunk *chunk, struct sam_error *error)
{
    struct hashing *hashing = context;
    const struct sam_pair *pair = &hashing->reader->pairs[chunk->pair];
    const size_t bytes = chunk->count * sam_dtype_size(pair->current->dtype);
    if (hash_to(hashing, hashing->place + (pair->perturbed ? 2 * bytes : bytes), error))
        return -1;
    return hashing->visit(hashing->context, chunk, error);
}

/* That the file does not end before its data do, and that these are the bytes that were written. */
static int check_file(struct sam_reader *reader, struct sam_error *error)
{
    const uint64_t end = reader->header.data_bytes;
    struct hashing hashing = {.reader = reader};
    if (end > 0 && read_at(reader, end - 1, reader->hashed, 1, error))
        return -1;
    if (!reader->checked)
        return 0;
    XXH3_64bits_reset(reader->hash);
    return hash_to(&hashing, end, error) || verify_hashed(reader, error) ? -1 : 0;
}

/* Reads the data of a small record, and checks them. */
static int read_small(struct sam_reader *reader, struct sam_error *error)
{
    const uint64_t bytes = reader->header.data_bytes;
    struct sam_error cause;
    unsigned char *data = NULL;
    reader->holding_small = sam_arena_renew(reader->holding_small, SMALL_BYTES, &cause);
    if (reader->holding_small)
        data = sam_arena_take(reader->holding_small, bytes, 1, &cause);
    if (!data)
        return sam_source_fail(&reader->source, error, "%s", cause.text);
    if (read_at(reader, 0, data, bytes, error) ||
        (reader->checked && verify(reader, XXH3_64bits(data, bytes), error)))
        return -1;
    reader->small = data;
    return 0;
}

static bool is_small(const struct sam_reader *reader)
{
    return reader->header.data_bytes <= SMALL_BYTES;
}

/* The threads that visit large records, or NULL where there is but one processor or no thread to be
 * had. If they were started for each visit, they would often begin on the processor of this one. */
static struct sam_pool *pool_of(struct sam_reader *reader)
{
    struct sam_error ignored;
    if (!reader->pool && sam_pool_processors() > 1)
        reader->pool = sam_pool_new(SAM_AHEAD_THREADS, &ignored);
    return reader->pool;
}

static int visit_and_hash(struct sam_reader *reader, const struct sam_ahead_file *file,
                          sam_reader_visitor *visit, void *context, struct sam_error *error)
{
    struct hashing hashing = {reader, visit, context, 0};
    XXH3_64bits_reset(reader->hash);
    if (sam_ahead_visit(file, pool_of(reader), hash_and_visit, &hashing, error))
        return -1;
    return hash_to(&hashing, reader->header.data_bytes, error);
}

static int visit_large(struct sam_reader *reader, const struct sam_ahead_file *file,
                       sam_reader_visitor *visit, void *context, struct sam_error *error)
{
    const uint64_t bytes = reader->header.data_bytes;
    const bool checked = reader->checked;
    int status;
    if (bytes <= most_mapped && sam_trial_maps(reader->trial))
        reader->mapping = sam_source_map(&reader->source, reader->data_offset, bytes);
    status = checked ? visit_and_hash(reader, file, visit, context, error)
                     : sam_ahead_visit(file, pool_of(reader), visit, context, error);
    if (!status)
        status = check_mapping(reader, bytes, error) || (checked && verify_hashed(reader, error));
    sam_mapping_free(reader->mapping);
    reader->mapping = NULL;
    return status || check_file(reader, error) ? -1 : 0;
}

static int visit_file(struct sam_reader *reader, const bool *wanted, sam_reader_visitor *visit,
                      void *context, struct sam_error *error)
{
    const struct sam_ahead_file file = {reader, next_chunk, read_chunk};
    reader->wanted = wanted;
    if (!is_small(reader))
        return visit_large(reader, &file, visit, context, error);
    if (!reader->small && read_small(reader, error))
        return -1;
    return sam_ahead_visit(&file, NULL, visit, context, error);
}

/* --- The data of a pipe -------------------------------------------------------------------------
 * Pass in their order, each byte once. When a pair's last tensor passes, its first one was held
 * back. Nothing is read ahead: the program that writes has its own thread, and the pipe its room.
 */

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

/* Lets a tensor pass that nobody wants now. */
static int pass_by(struct sam_reader *reader, const struct sam_tensor *tensor,
                   struct sam_error *error)
{
    for (uint64_t left = tensor->end - tensor->begin, n; left > 0; left -= n) {
        n = left < CHUNK_BYTES ? left : CHUNK_BYTES;
        if (fetch(reader, reader->rooms[0].bytes[0], n, error))
            return -1;
    }
    return 0;
}

/* Holds the first tensor of a pair back. */
static int pass_first(struct sam_reader *reader, const struct sam_pair *pair,
                      struct sam_error *error)
{
    const uint64_t bytes = sam_pair_first(pair)->end - sam_pair_first(pair)->begin;
    if (bytes == 0)
        return 0;
    unsigned char *held = sam_arena_take(reader->holding, 1, bytes, error);
    if (!held)
        return -1;
    reader->held[pair - reader->pairs] = held;
    reader->held_count++;
    return fetch(reader, held, bytes, error);
}

/* Visits a pair while its last tensor passes. */
static int pass_last(struct sam_reader *reader, const struct sam_pair *pair,
                     sam_reader_visitor *visit, void *context, struct sam_error *error)
{
    const size_t size = sam_dtype_size(pair->current->dtype);
    const struct room *room = &reader->rooms[0];
    struct sam_chunk chunk = {.pair = (size_t)(pair - reader->pairs)};
    const unsigned char *held = reader->held[chunk.pair];
    while (next_in_pair(pair, &chunk)) {
        if (fetch(reader, room->bytes[1], chunk.count * size, error))
            return -1;
        const unsigned char *first = held ? held + chunk.first * size : NULL;
        if (set_data(reader, room, first, room->bytes[1], &chunk, error) ||
            visit(context, &chunk, error))
            return -1;
    }
    if (held) {
        reader->held[chunk.pair] = NULL;
        if (--reader->held_count == 0)
            sam_arena_clear(reader->holding);
    }
    return 0;
}

static void mark_wanted(struct sam_reader *reader, const bool *wanted)
{
    for (size_t i = 0; i < reader->record.pair_count; i++) {
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
    struct sam_error cause;
    reader->holding = sam_arena_renew(reader->holding, held_bytes(reader), &cause);
    return reader->holding ? 0 : sam_source_fail(&reader->source, error, "%s", cause.text);
}

/* Lets all data pass; those of the tensors with a pair_of past `visit`. */
static int pass(struct sam_reader *reader, sam_reader_visitor *visit, void *context,
                struct sam_error *error)
{
    int status = 0;
    XXH3_64bits_reset(reader->hash);
    for (size_t i = 0; i < reader->header.tensor_count && !status; i++) {
        const struct sam_tensor *tensor = &reader->header.tensors[i];
        const struct sam_pair *pair = reader->pair_of[i];
        if (!pair)
            status = pass_by(reader, tensor, error);
        else if (tensor == sam_pair_last(pair))
            status = pass_last(reader, pair, visit, context, error);
        else
            status = pass_first(reader, pair, error);
    }
    return status || (reader->checked && verify_hashed(reader, error)) ? -1 : 0;
}

static int visit_pipe(struct sam_reader *reader, const bool *wanted, sam_reader_visitor *visit,
                      void *context, struct sam_error *error)
{
    mark_wanted(reader, wanted);
    return prepare_holding(reader, error) || pass(reader, visit, context, error) ? -1 : 0;
}

int sam_reader_visit_prepared(struct sam_reader *reader, const bool *wanted,
                              const struct sam_preparation *preparation, sam_reader_visitor *visit,
                              void *context, struct sam_error *error)
{
    reader->passed = true;
    if (make_preparing(reader, preparation, error))
        return -1;
    return reader->source.regular ? visit_file(reader, wanted, visit, context, error)
                                  : visit_pipe(reader, wanted, visit, context, error);
}

int sam_reader_visit(struct sam_reader *reader, const bool *wanted, sam_reader_visitor *visit,
                     void *context, struct sam_error *error)
{
    return sam_reader_visit_prepared(reader, wanted, NULL, visit, context, error);
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

/* The pairs, which are those of the record before where the tensors are. */
static int find_pairs(struct sam_reader *reader, struct sam_error *error)
{
    struct sam_error cause;
    forget_pairs(reader);
    if (sam_pairs_find(&reader->header, &reader->pairs, &reader->record.pair_count, &cause))
        return sam_source_fail(&reader->source, error, "%s", cause.text);
    reader->pair_of = sam_memory_new(reader->header.tensor_count, sizeof(*reader->pair_of), &cause);
    if (!reader->pair_of)
        return sam_source_fail(&reader->source, error, "%s", cause.text);
    reader->held = sam_memory_new(reader->record.pair_count, sizeof(*reader->held), &cause);
    if (!reader->held)
        return sam_source_fail(&reader->source, error, "%s", cause.text);
    return 0;
}

static int begin_record(struct sam_reader *reader, struct sam_error *error)
{
    reader->begun = true;
    reader->passed = false;
    reader->data_offset = reader->source.position;
    if (check_size(reader, error) || (!reader->header.repeated && find_pairs(reader, error)))
        return -1;
    memset(reader->pair_of, 0, reader->header.tensor_count * sizeof *reader->pair_of);
    return fill_record(reader, error);
}

/* Moves behind the data of the record, and checks them if no visit has. */
static int end_record(struct sam_reader *reader, struct sam_error *error)
{
    const bool regular = reader->source.regular;
    if (!reader->passed && (regular ? check_file(reader, error) : pass(reader, NULL, NULL, error)))
        return -1;
    reader->small = NULL;
    if (regular)
        reader->source.position = reader->data_offset + reader->header.data_bytes;
    return 0;
}

int sam_reader_next(struct sam_reader *reader, const struct sam_record **record,
                    struct sam_error *error)
{
    if (reader->begun && end_record(reader, error))
        return -1;
    const int more = sam_source_header(&reader->source, &reader->header, error);
    if (more == 0 && !reader->begun)
        return sam_source_fail(&reader->source, error, "empty, wanted at least one record");
    if (more != 1)
        return more;
    *record = &reader->record;
    return begin_record(reader, error) ? -1 : 1;
}
