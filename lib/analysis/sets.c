#include "analysis/sets.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "geometry/overlap.h"

int sam_sets_init(struct sam_sets *sets, const struct sam_input *input, struct sam_error *error)
{
    const size_t slots = input->slot_count;
    *sets = (struct sam_sets){.slot_count = slots};
    if (!(sets->word_of = sam_memory_new(slots + 1, sizeof *sets->word_of, error)) ||
        !(sets->parameters = sam_memory_new(slots, sizeof *sets->parameters, error)) ||
        !(sets->group_of = sam_memory_new(slots, sizeof *sets->group_of, error))) {
        sam_sets_free(sets);
        return -1;
    }
    for (size_t i = 0; i < input->record->pair_count; i++)
        if (input->group_of[i] != SAM_INPUT_UNWANTED) {
            sets->parameters[input->slot_of[i]] = input->record->pairs[i].count;
            sets->group_of[input->slot_of[i]] = input->group_of[i];
        }
    for (size_t slot = 0; slot < slots; slot++)
        sets->word_of[slot + 1] = sets->word_of[slot] + sam_overlap_words(sets->parameters[slot]);
    sets->words = sets->word_of[slots];
    return 0;
}

void sam_sets_free(struct sam_sets *sets)
{
    free(sets->word_of);
    free(sets->parameters);
    free(sets->group_of);
    *sets = (struct sam_sets){0};
}

int sam_sets_make(const struct sam_sets *sets, struct sam_set *set, struct sam_error *error)
{
    *set = (struct sam_set){0};
    if ((set->bits = sam_memory_new(sets->words, sizeof *set->bits, error)) &&
        (set->sizes = sam_memory_new(sets->slot_count, sizeof *set->sizes, error)))
        return 0;
    sam_sets_drop(set);
    return -1;
}

void sam_sets_drop(struct sam_set *set)
{
    free(set->bits);
    free(set->sizes);
    *set = (struct sam_set){0};
}

struct reading {
    const struct sam_sets *sets;
    struct sam_input *input;
    int ratio_class;
    struct sam_set *set;
};

static int on_chunk(void *context, const struct sam_chunk *chunk, struct sam_error *error)
{
    const struct reading *reading = context;
    const struct sam_classified *found = chunk->prepared;
    const size_t slot = reading->input->slot_of[chunk->pair];
    (void)error;
    reading->set->sizes[slot] += found->counts[reading->ratio_class];
    sam_overlap_pack(found->classes, chunk->count, reading->ratio_class, chunk->first,
                     reading->set->bits + reading->sets->word_of[slot]);
    return 0;
}

int sam_sets_read(const struct sam_sets *sets, struct sam_input *input, int ratio_class,
                  struct sam_set *set, struct sam_error *error)
{
    const struct sam_classes classes = {.input = input};
    const struct sam_preparation preparation = sam_classes_preparation(&classes);
    struct reading reading = {sets, input, ratio_class, set};
    memset(set->bits, 0, sets->words * sizeof *set->bits);
    memset(set->sizes, 0, sets->slot_count * sizeof *set->sizes);
    set->step = input->step;
    return sam_input_visit_prepared(input, &preparation, on_chunk, &reading, error);
}

void sam_sets_copy(const struct sam_sets *sets, struct sam_set *set, const struct sam_set *other)
{
    memcpy(set->bits, other->bits, sets->words * sizeof *set->bits);
    memcpy(set->sizes, other->sizes, sets->slot_count * sizeof *set->sizes);
    set->step = other->step;
}

void sam_sets_intersect(const struct sam_sets *sets, struct sam_set *set,
                        const struct sam_set *other)
{
    sam_overlap_intersect(set->bits, other->bits, sets->words);
    for (size_t slot = 0; slot < sets->slot_count; slot++)
        set->sizes[slot] = sam_overlap_size(set->bits + sets->word_of[slot],
                                            sets->word_of[slot + 1] - sets->word_of[slot]);
}

uint64_t sam_sets_size(const struct sam_sets *sets, const struct sam_set *set, size_t group)
{
    uint64_t size = 0;
    for (size_t slot = 0; slot < sets->slot_count; slot++)
        size += sets->group_of[slot] == group ? set->sizes[slot] : 0;
    return size;
}

struct sam_sets_common sam_sets_compare(const struct sam_sets *sets, const struct sam_set *a,
                                        const struct sam_set *b, size_t group)
{
    struct sam_sets_common found = {0};
    for (size_t slot = 0; slot < sets->slot_count; slot++) {
        const size_t from = sets->word_of[slot], words = sets->word_of[slot + 1] - from;
        if (sets->group_of[slot] != group || words == 0)
            continue;
        found.a += a->sizes[slot];
        found.b += b->sizes[slot];
        found.common += sam_overlap_common(a->bits + from, b->bits + from, words);
        found.tensor_chance +=
            (double)a->sizes[slot] * (double)b->sizes[slot] / (double)sets->parameters[slot];
    }
    return found;
}
