#include "analysis/sets.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "geometry/overlap.h"

/* An arena holds sets of at least so many bytes together, or a single larger one. */
enum { ARENA_BYTES = 32 << 20 };

int sam_sets_init(struct sam_sets *sets, const struct sam_input *input, struct sam_error *error)
{
    const size_t slots = input->slot_count;
    *sets = (struct sam_sets){.slot_count = slots};
    if (!(sets->word_of = sam_memory_new(slots + 1, sizeof *sets->word_of, error)) ||
        !(sets->parameters = sam_memory_new(slots, sizeof *sets->parameters, error)) ||
        !(sets->group_of = sam_memory_new(slots, sizeof *sets->group_of, error)) ||
        !(sets->next_of = sam_memory_new(slots, sizeof *sets->next_of, error)) ||
        !(sets->first_of = sam_memory_new(input->group_count, sizeof *sets->first_of, error))) {
        sam_sets_free(sets);
        return -1;
    }
    for (size_t i = 0; i < input->record->pair_count; i++)
        if (input->group_of[i] != SAM_INPUT_UNWANTED) {
            sets->parameters[input->slot_of[i]] = input->record->pairs[i].count;
            sets->group_of[input->slot_of[i]] = input->group_of[i];
        }
    for (size_t group = 0; group < input->group_count; group++)
        sets->first_of[group] = SAM_SETS_NONE;
    for (size_t slot = slots; slot-- > 0;) {
        sets->next_of[slot] = sets->first_of[sets->group_of[slot]];
        sets->first_of[sets->group_of[slot]] = slot;
    }
    for (size_t slot = 0; slot < slots; slot++)
        sets->word_of[slot + 1] = sets->word_of[slot] + sam_overlap_words(sets->parameters[slot]);
    sets->words = sets->word_of[slots];
    return 0;
}

/* --- The memory of sets -----------------------------------------------------------------------
 * Taken for several sets at a time, so that even small ones lie on huge pages. What is taken and
 * not yet touched costs nothing. */

static size_t bytes_of_set(const struct sam_sets *sets)
{
    return sets->words * sizeof(uint64_t) + sets->slot_count * sizeof(uint64_t) +
           2 * (size_t)SAM_MEMORY_ALIGNMENT;
}

static size_t sets_an_arena(const struct sam_sets *sets)
{
    return 1 + ARENA_BYTES / bytes_of_set(sets);
}

static int add_arena(struct sam_sets *sets, struct sam_error *error)
{
    const size_t count = sets->made / sets_an_arena(sets);
    struct sam_arena **arenas =
        sam_memory_resize(sets->arenas, count + 1, sizeof(struct sam_arena *), error);
    if (!arenas)
        return -1;
    sets->arenas = arenas;
    arenas[count] = sam_arena_new(sets_an_arena(sets) * bytes_of_set(sets), error);
    return arenas[count] ? 0 : -1;
}

int sam_sets_make(struct sam_sets *sets, struct sam_set *set, struct sam_error *error)
{
    *set = (struct sam_set){0};
    if (sets->made % sets_an_arena(sets) == 0 && add_arena(sets, error))
        return -1;
    struct sam_arena *arena = sets->arenas[sets->made / sets_an_arena(sets)];
    sets->made++;
    return (set->bits = sam_arena_take(arena, sets->words, sizeof *set->bits, error)) &&
                   (set->sizes = sam_arena_take(arena, sets->slot_count, sizeof *set->sizes, error))
               ? 0
               : -1;
}

void sam_sets_free(struct sam_sets *sets)
{
    const size_t each = sets->arenas ? sets_an_arena(sets) : 1;
    for (size_t i = 0; i * each < sets->made; i++)
        sam_arena_free(sets->arenas[i]);
    free(sets->arenas);
    free(sets->word_of);
    free(sets->parameters);
    free(sets->group_of);
    free(sets->next_of);
    free(sets->first_of);
    *sets = (struct sam_sets){0};
}

/* The bits of a chunk: a piece of its tensor's (geometry/overlap.h). */
struct prepared {
    struct sam_classified classified;
    uint64_t bits[SAM_READER_CHUNK / 64];
};
_Static_assert(SAM_READER_CHUNK / 2 % SAM_OVERLAP_GROUP == 0, "a chunk's set is whole groups");

struct reading {
    const struct sam_sets *sets;
    struct sam_classes classes;
    int ratio_class;
    struct sam_set *set;
};

static int prepare(const void *context, const struct sam_chunk *chunk, struct sam_error *error)
{
    const struct reading *reading = context;
    struct prepared *prepared = chunk->prepared;
    if (sam_classes_find(&reading->classes, chunk, &prepared->classified, error))
        return -1;
    sam_overlap_pack(prepared->classified.classes, chunk->count, reading->ratio_class,
                     prepared->bits);
    return 0;
}

static int on_chunk(void *context, const struct sam_chunk *chunk, struct sam_error *error)
{
    const struct reading *reading = context;
    const struct prepared *found = chunk->prepared;
    const size_t slot = reading->classes.input->slot_of[chunk->pair];
    uint64_t *bits = reading->set->bits + reading->sets->word_of[slot] + chunk->first / 64;
    (void)error;
    reading->set->sizes[slot] += found->classified.counts[reading->ratio_class];
    memcpy(bits, found->bits, sam_overlap_words(chunk->count) * sizeof *bits);
    return 0;
}

int sam_sets_read(const struct sam_sets *sets, struct sam_input *input, int ratio_class,
                  struct sam_set *set, struct sam_error *error)
{
    struct reading reading = {sets, {.input = input}, ratio_class, set};
    const struct sam_preparation preparation = {prepare, &reading, sizeof(struct prepared)};
    memset(set->sizes, 0, sets->slot_count * sizeof *set->sizes);
    set->step = input->step;
    return sam_input_visit_prepared(input, NULL, &preparation, on_chunk, &reading, error);
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
    for (size_t slot = sets->first_of[group]; slot != SAM_SETS_NONE; slot = sets->next_of[slot])
        size += set->sizes[slot];
    return size;
}

struct sam_sets_common sam_sets_compare(const struct sam_sets *sets, const struct sam_set *a,
                                        const struct sam_set *b, size_t group)
{
    struct sam_sets_common found = {0};
    for (size_t slot = sets->first_of[group]; slot != SAM_SETS_NONE; slot = sets->next_of[slot]) {
        const size_t from = sets->word_of[slot], words = sets->word_of[slot + 1] - from;
        if (words == 0)
            continue;
        found.a += a->sizes[slot];
        found.b += b->sizes[slot];
        found.common += sam_overlap_common(a->bits + from, b->bits + from, words);
        found.tensor_chance +=
            (double)a->sizes[slot] * (double)b->sizes[slot] / (double)sets->parameters[slot];
    }
    return found;
}
