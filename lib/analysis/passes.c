#include "analysis/passes.h"

#include <stdlib.h>
#include <string.h>

static size_t value_size(const struct sam_pair *pair)
{
    return pair->current->dtype == SAM_F64 ? sizeof(double) : sizeof(float);
}

static bool is_wanted(const struct sam_passes *passes, size_t pair)
{
    return passes->input->group_of[pair] != SAM_INPUT_UNWANTED;
}

void sam_passes_free(struct sam_passes *passes)
{
    free(passes->held);
    sam_arena_free(passes->preparing);
    sam_arena_free(passes->arena);
    passes->held = NULL;
    passes->preparing = NULL;
    passes->arena = NULL;
}

/* --- Holding ---------------------------------------------------------------------------------- */

static size_t bytes_needed(const struct sam_passes *passes)
{
    const struct sam_record *record = passes->input->record;
    size_t bytes = 0;
    /* The reader has checked that a record's bytes do not overflow. */
    for (size_t i = 0; i < record->pair_count; i++)
        if (is_wanted(passes, i))
            bytes +=
                2 * (record->pairs[i].count * value_size(&record->pairs[i]) + SAM_MEMORY_ALIGNMENT);
    return bytes;
}

static int prepare_holding(struct sam_passes *passes, struct sam_error *error)
{
    const struct sam_record *record = passes->input->record;
    free(passes->held);
    passes->held = sam_memory_new(record->pair_count, sizeof *passes->held, error);
    passes->arena = sam_arena_renew(passes->arena, bytes_needed(passes), error);
    if (!passes->held || !passes->arena)
        return -1;
    for (size_t i = 0; i < record->pair_count; i++)
        for (int which = 0; which < 2 && is_wanted(passes, i); which++) {
            const struct sam_pair *pair = &record->pairs[i];
            passes->held[i][which] =
                sam_arena_take(passes->arena, pair->count, value_size(pair), error);
            if (!passes->held[i][which])
                return -1;
        }
    return 0;
}

/* A first pass that holds what it visits. */
struct holding {
    struct sam_passes *passes;
    sam_reader_visitor *visit;
    void *context;
};

static int hold(void *context, const struct sam_chunk *chunk, struct sam_error *error)
{
    const struct holding *holding = context;
    const struct sam_passes *passes = holding->passes;
    const size_t size = value_size(&passes->input->record->pairs[chunk->pair]);
    unsigned char *const *held = passes->held[chunk->pair];
    memcpy(held[0] + chunk->first * size, chunk->current, chunk->count * size);
    memcpy(held[1] + chunk->first * size, chunk->perturbed, chunk->count * size);
    return holding->visit(holding->context, chunk, error);
}

/* --- Passes ----------------------------------------------------------------------------------- */

int sam_passes_first(struct sam_passes *passes, const struct sam_preparation *preparation,
                     sam_reader_visitor *visit, void *context, struct sam_error *error)
{
    struct holding holding = {passes, visit, context};
    if (sam_input_repeats(passes->input))
        return sam_input_visit_prepared(passes->input, NULL, preparation, visit, context, error);
    if (prepare_holding(passes, error))
        return -1;
    return sam_input_visit_prepared(passes->input, NULL, preparation, hold, &holding, error);
}

static int visit_held(const struct sam_passes *passes, size_t index,
                      const struct sam_preparation *preparation, void *prepared,
                      sam_reader_visitor *visit, void *context, struct sam_error *error)
{
    const struct sam_pair *pair = &passes->input->record->pairs[index];
    const size_t size = value_size(pair);
    for (uint64_t first = 0; first < pair->count; first += SAM_READER_CHUNK) {
        const uint64_t left = pair->count - first;
        const struct sam_chunk chunk = {
            .pair = index,
            .first = first,
            .count = left < SAM_READER_CHUNK ? left : SAM_READER_CHUNK,
            .dtype = size == sizeof(double) ? SAM_F64 : SAM_F32,
            .current = passes->held[index][0] + first * size,
            .perturbed = passes->held[index][1] + first * size,
            .prepared = prepared,
        };
        if ((preparation && preparation->prepare(preparation->context, &chunk, error)) ||
            visit(context, &chunk, error))
            return -1;
    }
    return 0;
}

int sam_passes_again(struct sam_passes *passes, const bool *some,
                     const struct sam_preparation *preparation, sam_reader_visitor *visit,
                     void *context, struct sam_error *error)
{
    if (sam_input_repeats(passes->input))
        return sam_input_visit_prepared(passes->input, some, preparation, visit, context, error);
    void *prepared = NULL;
    if (preparation) {
        passes->preparing = sam_arena_renew(passes->preparing, preparation->bytes, error);
        if (!passes->preparing)
            return -1;
        prepared = sam_arena_take(passes->preparing, preparation->bytes, 1, error);
    }
    for (size_t i = 0; i < passes->input->record->pair_count; i++)
        if (is_wanted(passes, i) && (!some || some[i]) &&
            visit_held(passes, i, preparation, prepared, visit, context, error))
            return -1;
    return 0;
}
