/* The stream reader. The first byte says which pairs are visited. Checked: chunks join within a
 * pair; a file and a pipe of the same bytes give the same records, the same elements and the same
 * outcome; the reader's errors have a text. */
#include "fuzz.h"

#include <string.h>
#include <xxhash.h>

#include "stream/reader.h"

struct outcome {
    int status;       /* of the last call */
    uint64_t records; /* read and visited to their ends */
    uint64_t hash;    /* of what was seen of them */
};

struct visit {
    const struct sam_record *record;
    size_t pair;   /* the last one seen */
    uint64_t next; /* its next element */
    uint64_t hash;
};

static uint64_t mix(uint64_t hash, const void *data, size_t bytes)
{
    return XXH3_64bits_withSeed(data, bytes, hash);
}

static int on_chunk(void *context, const struct sam_chunk *chunk, struct sam_error *error)
{
    struct visit *visit = context;
    (void)error;
    DEMAND(chunk->pair < visit->record->pair_count);
    const struct sam_pair *pair = &visit->record->pairs[chunk->pair];
    if (chunk->pair != visit->pair) {
        DEMAND(visit->pair == SIZE_MAX || chunk->pair > visit->pair);
        visit->pair = chunk->pair;
        visit->next = 0;
    }
    DEMAND(chunk->first == visit->next);
    DEMAND(chunk->count > 0 && chunk->count <= SAM_READER_CHUNK);
    DEMAND(chunk->count <= pair->count - chunk->first);
    DEMAND((chunk->dtype == SAM_U8) == pair->classes);
    visit->next += chunk->count;
    const size_t bytes = chunk->count * sam_dtype_size(chunk->dtype);
    visit->hash = mix(visit->hash, chunk->current, bytes);
    if (!pair->classes)
        visit->hash = mix(visit->hash, chunk->perturbed, bytes);
    return 0;
}

/* Visits the pairs that the bits of `choice` name. */
static int visit_record(struct sam_reader *reader, const struct sam_record *record, uint8_t choice,
                        struct outcome *outcome, struct sam_error *error)
{
    struct visit visit = {.record = record, .pair = SIZE_MAX, .hash = outcome->hash};
    bool *wanted = malloc(record->pair_count);
    DEMAND(wanted);
    for (size_t i = 0; i < record->pair_count; i++)
        wanted[i] = choice >> i % 8 & 1;
    const int status = sam_reader_visit(reader, wanted, on_chunk, &visit, error);
    free(wanted);
    if (status == 0) {
        outcome->hash = mix(visit.hash, &record->step, sizeof record->step);
        outcome->records++;
    }
    return status;
}

static struct outcome read_stream(const uint8_t *data, size_t size, uint8_t choice, int piped)
{
    struct outcome outcome = {.status = -1};
    struct fuzz_stream stream;
    struct sam_error error = {.text = ""};
    const struct sam_record *record;
    fuzz_open(&stream, data, size, piped);
    struct sam_reader *reader = sam_reader_new(stream.path, &error);
    while (reader && (outcome.status = sam_reader_next(reader, &record, &error)) == 1)
        if (visit_record(reader, record, choice, &outcome, &error)) {
            outcome.status = -1;
            break;
        }
    DEMAND(outcome.status == 0 || error.text[0] != '\0');
    sam_reader_free(reader);
    fuzz_close(&stream);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > FUZZ_MAX_BYTES)
        return 0;
    const struct outcome file = read_stream(data + 1, size - 1, data[0], 0);
    const struct outcome pipe = read_stream(data + 1, size - 1, data[0], 1);
    DEMAND(file.status == pipe.status);
    DEMAND(file.records == pipe.records);
    DEMAND(file.hash == pipe.hash);
    return 0;
}
